//! Doc comments of a project: names that look like code to clippy are in backticks.

/// Names of the default `doc-valid-idents` of clippy that the catalogue has.
const KNOWN: [&str; 4] = ["GitHub", "GitLab", "GraphQL", "OAuth"];

/// The text with backticks around every word that `clippy::doc_markdown` takes for code.
pub(crate) fn of(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut is_code = false;
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let name = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        if is_code || !looks_like_code(name) {
            result.push_str(word);
        } else {
            result.push('`');
            result.push_str(name);
            result.push('`');
            result.push_str(&word[name.len()..]);
        }
        is_code ^= word.ends_with('`');
    }
    result
}

/// Whether a word begins with a capital, and has another one and a small letter.
fn looks_like_code(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    singular.starts_with(char::is_uppercase)
        && singular.chars().filter(|c| c.is_uppercase()).count() > 1
        && singular.contains(char::is_lowercase)
        && !KNOWN.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_capitals_are_code_unless_clippy_knows_them() {
        for (text, expected) in [
            ("Tools for HubSpot.", "Tools for `HubSpot`."),
            ("people of WorkOS, once", "people of `WorkOS`, once"),
            ("the user's GitHub account", "the user's GitHub account"),
            ("NASA, IDs, X and Slack", "NASA, IDs, X and Slack"),
            ("`BoxCom` and BoxCom", "`BoxCom` and `BoxCom`"),
            ("HubSpot's", "`HubSpot`'s"),
            ("", ""),
        ] {
            assert_eq!(of(text), expected);
        }
    }
}
