//! `Link` headers (RFC 8288).

use http::{HeaderMap, header};

use super::parameters::{parameters, split_first_member};

/// Returns the target of the first link with the relation `next`, unresolved.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(header::LINK);
    links.iter().filter_map(|link| link.to_str().ok()).find_map(next_of)
}

fn next_of(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let start = rest.find('<')?;
        let (target, after) = rest[start + 1..].split_once('>')?;
        let (parameters, after) = split_first_member(after);
        if is_next(parameters) {
            return Some(target.trim().to_owned());
        }
        rest = after;
    }
}

fn is_next(text: &str) -> bool {
    let parameters = parameters(text);
    let find = |wanted: &str| parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    // A link with an anchor has another context (§3.2), and only the first `rel` counts (§3.3).
    find("anchor").is_none()
        && find("rel").is_some_and(|(_, relations)| {
            relations.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_next_in_every_form() {
        for (header, target) in [
            (r#"<https://a/?p=2>; rel="next""#, "https://a/?p=2"),
            (r#"<https://a/?p=1>; rel="prev", <https://a/?p=3,4>; rel="next""#, "https://a/?p=3,4"),
            (r#"</b>; title="a, <b>; rel=next"; rel="last next""#, "/b"),
            (r#"</x>; title="q \" , </y>; rel=next"; rel=prev, </z>; rel=next"#, "/z"),
            ("</c>;REL=NEXT", "/c"),
            ("</d> ; rel = next ; x", "/d"),
            ("< /e >; rel=next", "/e"),
            (r#", ,</f>; rel="next","#, "/f"),
            ("<?p=2>; rel=next; rel=prev", "?p=2"),
            (r#"<a;b>; rel="next""#, "a;b"),
        ] {
            assert_eq!(next_of(header).as_deref(), Some(target), "{header}");
        }
        for header in [
            "",
            "<",
            "<x",
            "<>",
            ">",
            r#"<a>; rel="prev""#,
            r#"<a>; rev="next""#,
            r#"<a>; rel="nextish""#,
            "<a>; rel=prev; rel=next",
            r#"<a>; rel="next"; anchor="/elsewhere""#,
            "a; rel=next",
            "<a>, ; rel=next",
            r#"<a>; title="; rel=next"#,
        ] {
            assert_eq!(next_of(header), None, "{header}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(header::LINK, "</1>; rel=first".parse().unwrap());
        headers.append(header::LINK, "</2>; rel=next".parse().unwrap());
        assert_eq!(next(&headers).as_deref(), Some("/2"));
    }

    #[test]
    fn every_text_is_parsed_without_a_panic() {
        let pieces =
            ["<", ">", "\"", "\\", ",", ";", "=", " rel=next", "é", "rel=\"next\"", "</a>"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let header = [a, b, c, d].concat();
                        if let Some(target) = next_of(&header) {
                            assert!(header.contains('<') && header.contains(&target), "{header}");
                        }
                    }
                }
            }
        }
    }
}
