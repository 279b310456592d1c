//! Foreign text: what a server has sent, before it is printed.

/// How many characters of a foreign text are printed.
const MAX_LEN: usize = 160;

/// The text in one line without control characters, cut after [`MAX_LEN`] characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut line = String::new();
    for (at, c) in text.trim().chars().enumerate() {
        if at == MAX_LEN {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            // Among them are those that turn the direction of the text around.
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

/// The texts as a list in prose, of which the first few are named.
pub(crate) fn listed(items: &[String]) -> String {
    const NAMED: usize = 4;
    let named: Vec<_> = items.iter().take(NAMED).map(|item| quoted(item)).collect();
    match items.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_short_line() {
        assert_eq!(quoted(" a\r\nb\u{1b}[31m\u{202e}c "), "a  b\\u{1b}[31m\\u{202e}c");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), MAX_LEN + 1);
        let names: Vec<_> = (0..6).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3 and 2 more");
        assert_eq!(listed(&names[..2]), "0, 1");
    }
}
