//! URLs of a provider, below the address of its stand-in: `https://HOST/PATH` is at `/HOST/PATH`.

/// Whether `path` of the stand-in is that of the provider's `url`, in which a name in braces stands for
/// a segment, or for a part of the host.
pub(super) fn matches(url: &str, path: &str) -> bool {
    let Some((_, url)) = url.split_once("://") else { return false };
    let mut pattern = url.split('/');
    let mut segments = path.trim_start_matches('/').split('/');
    loop {
        match (pattern.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if matches_segment(pattern, segment) => {}
            _ => return false,
        }
    }
}

fn matches_segment(pattern: &str, segment: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('{') else { return pattern == segment };
    let suffix = rest.split_once('}').map_or("", |(_, suffix)| suffix);
    segment.len() > prefix.len() + suffix.len()
        && segment.starts_with(prefix)
        && segment.ends_with(suffix)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_name_in_braces_is_one_segment_or_a_part_of_one() {
        let url = "https://{my}.example.com/apps/{id}/token";
        assert!(matches(url, "/acme.example.com/apps/7/token"));
        for other in [
            "/.example.com/apps/7/token",
            "/acme.example.org/apps/7/token",
            "/acme.example.com/apps//token",
            "/acme.example.com/apps/7/8/token",
            "/acme.example.com/apps/7/token/",
            "/acme.example.com/apps/7",
        ] {
            assert!(!matches(url, other), "{other}");
        }
        assert!(!matches("", "/"));
    }
}
