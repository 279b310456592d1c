//! Conditions for the fast path: the headers and the identifier of a request without options.

use http::{HeaderMap, HeaderName, header};

use crate::{
    http::{headers as names, sealed_session::Session},
    mcp::message::params::REVISION,
};

/// Whether the headers are those of a plain request of [`REVISION`] with this method. That JSON is
/// accepted is for the caller to check.
pub(super) fn has_plain_headers(headers: &HeaderMap, method: &str) -> bool {
    let is = |name, expected: fn(&str) -> bool| only(headers, name).is_some_and(expected);
    only(headers, &names::METHOD) == Some(method)
        && is(&names::VERSION, |version| version == REVISION)
        && is(&header::CONTENT_TYPE, is_json)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(&names::SESSION)
}

/// Whether the headers are those of a plain message in this session. That JSON is accepted is for the
/// caller to check.
pub(super) fn has_session_headers(headers: &HeaderMap, session: &Session) -> bool {
    let version = only(headers, &names::VERSION);
    (version == Some(session.revision().as_str())
        || version.is_none() && !headers.contains_key(&names::VERSION))
        && only(headers, &header::CONTENT_TYPE).is_some_and(is_json)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && headers.get_all(&names::SESSION).iter().nth(1).is_none()
}

/// Whether the headers are those of a plain message before 2026-07-28 that names no session. The
/// revision is that of the message, which has to be a known one.
pub(super) fn has_plain_headers_before_session(headers: &HeaderMap, revision: &str) -> bool {
    (!headers.contains_key(&names::VERSION) || only(headers, &names::VERSION) == Some(revision))
        && only(headers, &header::CONTENT_TYPE).is_some_and(is_json)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(&names::SESSION)
}

/// Whether every reader of JSON takes the identifier for the same value.
pub(super) fn is_plain_id(id: &str) -> bool {
    match id.as_bytes() {
        [b'"', .., b'"'] => !id.contains('\\'),
        [b'-', b'0', ..] => false,
        [b'-', digits @ ..] | digits => {
            !digits.is_empty() && digits.len() < 16 && digits.iter().all(u8::is_ascii_digit)
        }
    }
}

/// The value of a header that is present once, if it is text.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_json(content_type: &str) -> bool {
    matches!(content_type, "application/json" | "application/json; charset=utf-8")
}
