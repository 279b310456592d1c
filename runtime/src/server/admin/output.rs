//! Output of `admin`: lines for people, or JSON objects.

use std::{fmt::Write as _, time::SystemTime};

use serde_json::Value;

use crate::{server::output::print, support::escape::escape};

/// Where a command writes what it found.
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes a line in one of its two forms.
    pub(super) fn line(&self, text: &str, json: &Value) {
        if self.json {
            print(&ascii_json(&json.to_string()));
        } else {
            print(text);
        }
    }

    /// Writes a line that is JSON in both forms.
    #[allow(clippy::unused_self, reason = "as the other lines")]
    pub(super) fn json_line(&self, json: &str) {
        print(&ascii_json(json));
    }

    /// Writes the progress of a command, if a person is at the terminal.
    #[allow(clippy::print_stderr, reason = "standard output has the result")]
    pub(super) fn progress(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// The same JSON in printable ASCII, so that texts from outside cannot control a terminal or imitate
/// other texts. In JSON, other characters are only within strings, where each may be escaped (RFC 8259
/// §7).
fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// A name that came from outside, on one line.
pub(super) fn shown(name: &str) -> String {
    escape(name).into_owned()
}

/// A time as HTTP has it.
pub(super) fn time(at: SystemTime) -> String {
    httpdate::fmt_http_date(at)
}

/// A time in seconds since 1970.
pub(super) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_printed_in_ascii_without_a_change_of_its_value() {
        let value = json!({ "a\u{202e}": "é\u{7f}\u{9b}\u{2028}\n\u{1b}[31m😀", "b": "\"\\" });
        let text = ascii_json(&value.to_string());
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
