//! Messages in the bodies of error responses.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The most characters of a provider's message that are repeated.
pub(super) const MAX_MESSAGE_CHARS: usize = 300;

/// How deep messages are looked for, and in how many items of an array.
const MAX_DEPTH: u8 = 3;
const MAX_ITEMS: usize = 8;

/// Where APIs put messages: OAuth (RFC 6749 §5.2), problem details (RFC 9457), and common usage.
const MESSAGE_KEYS: [&str; 8] =
    ["message", "error_description", "detail", "error", "title", "error_message", "errors", "msg"];

/// The message in an error's JSON body: one line, bounded, and without the token.
pub(super) fn error_message(body: &[u8], token: &SecretString) -> String {
    let Ok(json) = serde_json::from_slice(body) else { return String::new() };
    let message = messages(&json, MAX_DEPTH).join("; ");
    // The token is removed before the text is cut, so that no part of it remains, and again after
    // invisible characters are gone, because they could split it.
    let token = token.expose_secret();
    let scrub = |text: &str| match token {
        "" => text.to_owned(),
        token => text.replace(token, "[redacted]"),
    };
    let message: String = scrub(&message).chars().filter(|c| !is_invisible(*c)).collect();
    let message = scrub(&message).replace(char::is_control, " ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // The text around the quotation adds a full stop.
    message.chars().take(MAX_MESSAGE_CHARS).collect::<String>().trim_end_matches('.').to_owned()
}

/// The texts under the first known key that has any; of an array, those of all items.
fn messages(json: &Value, depth: u8) -> Vec<&str> {
    match json {
        Value::String(text) if !text.trim().is_empty() => vec![text],
        Value::Array(items) if depth > 0 => {
            items.iter().take(MAX_ITEMS).flat_map(|item| messages(item, depth - 1)).collect()
        }
        Value::Object(members) if depth > 0 => {
            let known = MESSAGE_KEYS.iter().filter_map(|key| members.get(*key));
            let mut found = known.map(|value| messages(value, depth - 1)).filter(|s| !s.is_empty());
            let first = found.next().unwrap_or_default();
            // GitHub's 422 has `Validation Failed` as its message, and the details under `errors`.
            let details = members.get("errors").filter(|_| members.contains_key("message"));
            let details = details.map(|errors| messages(errors, depth - 1)).unwrap_or_default();
            first.into_iter().chain(details).collect()
        }
        _ => Vec::new(),
    }
}

/// Invisible characters that change how a line looks: direction marks, zero width, tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
