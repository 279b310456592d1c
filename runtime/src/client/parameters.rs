//! Parser for `name=value` lists in headers: `Link` (RFC 8288 §3) and challenges (RFC 9110 §11.6.1).

/// Parses the parameters up to the end of the text. Skips what is between them. A name without a
/// value has an empty one.
pub(super) fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| is_separator(c) || matches!(c, '=' | '"'));
        if rest.is_empty() {
            return found;
        }
        let end =
            rest.find(|c: char| is_separator(c) || matches!(c, '=' | '"')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        // RFC 8288 allows whitespace around `=`.
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(value) => read_value(value.trim_start()),
            None => (String::new(), after),
        };
        found.push((name, value));
        rest = after;
    }
}

/// Reads a token or a quoted string. Returns the rest, too.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find(is_separator).unwrap_or(text.len()));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            character => value.push(character),
        }
    }
    (value, "")
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';') || c.is_ascii_whitespace()
}

/// Splits a list at its first comma outside of quotes.
pub(super) fn split_first_member(text: &str) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_challenges_and_links() {
        let read = |text| {
            parameters(text).into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>()
        };
        assert_eq!(
            read(r#"Bearer realm="a, \"b\"", error=insufficient_scope , scope = "x y""#),
            ["Bearer=", r#"realm=a, "b""#, "error=insufficient_scope", "scope=x y"],
        );
        assert_eq!(read("; rel=next ;title"), ["rel=next", "title="]);
        assert_eq!(read(r#"a="unfinished"#), ["a=unfinished"]);
        assert_eq!(read(r#"a="\"#), ["a="]);
        assert!(read("").is_empty() && read(",;= \"").is_empty());
    }

    #[test]
    fn every_text_is_parsed_without_a_panic() {
        let pieces = ["\"", "\\", ",", ";", "=", " ", "a", "é", "<", ">", "\"x\""];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let text = [a, b, c, d].concat();
                        assert!(parameters(&text).len() <= 4);
                        assert!(split_first_member(&text).0.len() <= text.len());
                    }
                }
            }
        }
    }
}
