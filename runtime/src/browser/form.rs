//! Form parameters, read strictly: no name twice, no control characters, a bounded size.

use std::{collections::HashMap, time::Duration};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use url::form_urlencoded;

use crate::support::http_client::{BodyError, bounded_bytes};

/// The longest query or form, in bytes.
pub(crate) const MAX_FORM_BYTES: usize = 16 * 1024;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Parameters by name. An empty one counts as absent (RFC 6749 §3.1).
#[derive(Debug, Default)]
pub(crate) struct Parameters(HashMap<String, String>);

/// Why a query or a form cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FormError {
    #[error("the request is too long")]
    TooLong,
    #[error("`{0}` was sent twice")]
    Duplicate(String),
    #[error("the request contains control characters or is not UTF-8")]
    NotText,
    #[error("the request must be `application/x-www-form-urlencoded`")]
    ContentType,
    #[error("the request has more than {} KiB", .0 / 1024)]
    BodyTooLarge(usize),
    #[error("the request broke off")]
    Incomplete,
    #[error("the request took too long")]
    TimedOut,
}

impl FormError {
    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Parameters {
    /// Reads a query or a form.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, FormError> {
        if text.len() > MAX_FORM_BYTES {
            return Err(FormError::TooLong);
        }
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            let readable = |text: &str| !text.contains(['\u{fffd}', '\0', '\r', '\n']);
            if !readable(&name) || !readable(&value) {
                return Err(FormError::NotText);
            }
            let name = name.into_owned();
            if found.contains_key(&name) {
                let name = name.chars().filter(char::is_ascii_graphic).take(40).collect();
                return Err(FormError::Duplicate(name));
            }
            found.insert(name, value.into_owned());
        }
        found.retain(|_, value| !value.is_empty());
        Ok(Self(found))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

/// Reads the body of a request, of at most `max_bytes`.
pub(crate) async fn read_body(body: Body, max_bytes: usize) -> Result<Bytes, FormError> {
    match tokio::time::timeout(BODY_TIMEOUT, bounded_bytes(body, max_bytes)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BodyError::TooLarge)) => Err(FormError::BodyTooLarge(max_bytes)),
        Ok(Err(BodyError::Broken(_))) => Err(FormError::Incomplete),
        Err(_) => Err(FormError::TimedOut),
    }
}

/// Reads the form that a request carries, and returns it with the headers.
pub(crate) async fn read_form(request: Request) -> Result<(HeaderMap, Parameters), FormError> {
    let (parts, body) = request.into_parts();
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|ty| {
        let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(FormError::ContentType);
    }
    let bytes = read_body(body, MAX_FORM_BYTES).await?;
    Ok((parts.headers, Parameters::parse(&bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_sent_twice_is_refused() {
        let read = |text: &str| Parameters::parse(text.as_bytes());
        let fine = read("a=1&b=&c=%20x").unwrap();
        assert_eq!((fine.get("a"), fine.get("b"), fine.get("c")), (Some("1"), None, Some(" x")));
        for wrong in ["a=1&a=1", "a=1&%61=2", "a=&a=1", "a=%00", "a=%ff", "a=x%0d%0ay", "%0a=1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&"a".repeat(MAX_FORM_BYTES + 1)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let endless =
            Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read_body(endless, 10).await, Err(FormError::TimedOut));
        assert_eq!(
            read_body(Body::from("12345678901"), 10).await,
            Err(FormError::BodyTooLarge(10))
        );
    }
}
