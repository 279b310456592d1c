//! Foreign text: what a server has sent, before it is printed.

use std::fmt::Write as _;

use serde_json::Value;

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
            // These join letters, or part them, and are not seen.
            c if is_command(c) || matches!(c, '\u{200b}'..='\u{200f}') => {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

/// The text as it is, in all of its lines, without characters that command a terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if is_command(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// The value as JSON in several lines, with the same characters escaped as JSON has it (RFC 8259 §7). JSON
/// itself escapes only those below the space.
pub(crate) fn visible_json(value: &Value) -> String {
    let json = format!("{value:#}");
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        // A line ends between two strings, and never within one.
        if c != '\n' && is_command(c) {
            // All of them are in the first plane. Writing to a string cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character commands a terminal, or turns the direction of the text around.
fn is_command(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        assert_eq!(visible("a\n\tb\u{9b}2J"), "a\n\tb\\u{9b}2J");
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}\u{7f}\u{202e}\n" });
        let json = visible_json(&value);
        assert_eq!(json, "{\n  \"a\\u009b\": \"\\u001b\\u007f\\u202e\\n\"\n}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        let names: Vec<_> = (0..6).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3 and 2 more");
        assert_eq!(listed(&names[..2]), "0, 1");
    }
}
