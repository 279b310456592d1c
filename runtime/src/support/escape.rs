//! Escaping of texts that come from outside, before they are logged or shown.
//!
//! A token, a request or a provider's answer can hold line breaks, terminal sequences and characters
//! that reorder a line. Where such a text becomes part of an error, a log field or a page, it passes
//! through [`escape`] once, where the value is made.

use std::{borrow::Cow, fmt::Write};

/// The most characters of a foreign text that are shown, escapes included.
pub(crate) const MAX_SHOWN_CHARS: usize = 120;

/// The most characters of a message of a tool, or of a panic, in the log.
pub(crate) const MAX_LOGGED_CHARS: usize = 1000;

/// The text on one line: characters that are not printable are escaped as `\u{202e}`, and what is
/// longer than [`MAX_SHOWN_CHARS`] ends in `…`. Escaping a text again changes nothing.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    escape_to(text, MAX_SHOWN_CHARS)
}

/// As [`escape`], with at most `max_chars` characters.
pub(crate) fn escape_to(text: &str, max_chars: usize) -> Cow<'_, str> {
    // Most texts are short ASCII, and are not copied.
    if text.len() <= max_chars && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let (mut escaped, mut length) = (String::new(), 0);
    // Where to cut if the text turns out to be too long: before the last character, for the ellipsis.
    let mut cut = 0;
    for c in text.chars() {
        let width = if is_unprintable(c) { c.escape_unicode().count() } else { 1 };
        if length + width > max_chars {
            escaped.truncate(cut);
            escaped.push('…');
            return Cow::Owned(escaped);
        }
        length += width;
        // Writing to a string cannot fail.
        let _ = match width {
            1 => escaped.write_char(c),
            _ => write!(escaped, "{}", c.escape_unicode()),
        };
        if length < max_chars {
            cut = escaped.len();
        }
    }
    Cow::Owned(escaped)
}

/// The text without its characters that are not printable, and with at most [`MAX_SHOWN_CHARS`]: for
/// texts that people read, such as a provider's description of an error.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_unprintable(*c)).take(MAX_SHOWN_CHARS).collect()
}

/// Whether a character is invisible, ends a line, controls a terminal or changes the direction of
/// text: control characters, line and paragraph separators, and all that Unicode calls
/// `Bidi_Control` or `Default_Ignorable_Code_Point`.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printable_is_escaped() {
        for c in ('\0'..='\u{1f}')
            .chain('\u{7f}'..='\u{9f}')
            .chain("\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\u{200b}\u{feff}".chars())
        {
            let text = format!("a{c}b");
            assert_eq!(escape(&text), format!("a\\u{{{:x}}}b", u32::from(c)));
            assert_eq!(printable(&text), "ab");
        }
        for plain in ["", "alice", "Zoë, 东京, עברית", "हिन्दी", "a \"quoted\" \\ text", "😀"]
        {
            assert_eq!(escape(plain), plain);
        }
        assert!(matches!(escape("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_is_cut_and_no_escape_is_split() {
        for text in ["x".repeat(500), "é".repeat(500), "\n".repeat(500), "xx\u{202e}".repeat(90)] {
            let shown = escape(&text);
            assert!(shown.chars().count() <= MAX_SHOWN_CHARS, "{shown}");
            assert!(shown.ends_with('…'), "{shown}");
            let before = shown.trim_end_matches('…');
            assert_eq!(before.matches('{').count(), before.matches('}').count(), "{shown}");
            assert_eq!(escape(&shown), shown, "once is enough");
        }
        for length in [MAX_SHOWN_CHARS - 1, MAX_SHOWN_CHARS] {
            assert_eq!(escape(&"é".repeat(length)), "é".repeat(length));
        }
        let cut = escape(&"é".repeat(MAX_SHOWN_CHARS + 1)).into_owned();
        assert_eq!(cut, format!("{}…", "é".repeat(MAX_SHOWN_CHARS - 1)));
    }
}
