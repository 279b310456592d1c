//! Suggestion of the name that a user may have meant.

/// The closest of what there is, as the end of a sentence: "; did you mean `github`?".
pub(crate) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str, IntoIter: DoubleEndedIterator>,
) -> String {
    let name = name.to_lowercase();
    let best = known
        .into_iter()
        .map(|candidate| (similarity(&name, &candidate.to_lowercase()), candidate))
        // The first of equal ones.
        .rev()
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best {
        Some((ratio, candidate)) if ratio >= 0.6 => format!("; did you mean `{candidate}`?"),
        _ => String::new(),
    }
}

/// The error for a name that is not known: "there is no preset `auth`", the closest one, and all of
/// them.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let hint = did_you_mean(name, known.iter().copied());
    format!("{what} `{}`{hint}\nThere are: {}.", name.escape_default(), known.join(", "))
}

/// 1 for equal texts, 0 for texts that have nothing in common.
fn similarity(a: &str, b: &str) -> f32 {
    if !a.is_empty() && (b.starts_with(a) || b.ends_with(a)) {
        return 0.9;
    }
    similar::TextDiff::from_chars(a, b).ratio()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_close_is_suggested() {
        assert_eq!(did_you_mean("githab", ["github", "gitlab"]), "; did you mean `github`?");
        assert_eq!(
            did_you_mean("calendar.read", ["https://x/auth/calendar.read"]),
            "; did you mean `https://x/auth/calendar.read`?"
        );
        assert_eq!(did_you_mean("zzz", ["github", "gitlab"]), "");
    }

    #[test]
    fn what_is_not_known_is_escaped_and_followed_by_what_is() {
        assert_eq!(
            unknown("there is no provider", "gitbuh\u{1b}", &["github", "slack"]),
            "there is no provider `gitbuh\\u{1b}`; did you mean `github`?\nThere are: github, slack."
        );
    }
}
