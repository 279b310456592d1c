//! Parameters of requests, read strictly: none twice, none empty, nothing without bounds.

use std::{collections::HashMap, time::Duration};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use url::form_urlencoded;

use super::error::OAuthError;

/// The most that is read of a request, in bytes.
pub(crate) const LARGEST: usize = 16 * 1024;

/// How long a client may take to send it.
const SLOWEST: Duration = Duration::from_secs(15);

/// Parameters by name. An empty one counts as not sent (RFC 6749 §3.1).
#[derive(Default)]
pub(crate) struct Parameters(HashMap<String, String>);

/// Why parameters cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    TooLong,
    Twice(String),
    NotText,
}

impl Unreadable {
    pub(crate) fn words(&self) -> String {
        match self {
            Self::TooLong => "the request is too long".to_owned(),
            Self::Twice(name) => format!("`{name}` was sent twice"),
            Self::NotText => "the request holds what is no text".to_owned(),
        }
    }
}

impl Parameters {
    /// Reads a query or a form.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Unreadable> {
        if text.len() > LARGEST {
            return Err(Unreadable::TooLong);
        }
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            let readable = |text: &str| !text.contains(['\u{fffd}', '\0', '\r', '\n']);
            if !readable(&name) || !readable(&value) {
                return Err(Unreadable::NotText);
            }
            let name = name.into_owned();
            if found.contains_key(&name) {
                let name = name.chars().filter(char::is_ascii_graphic).take(40).collect();
                return Err(Unreadable::Twice(name));
            }
            found.insert(name, value.into_owned());
        }
        found.retain(|_, value| !value.is_empty());
        Ok(Self(found))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// As [`Parameters::get`], or the error of RFC 6749 §5.2.
    pub(crate) fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::request(format!("`{name}` is missing")))
    }
}

/// The body of a request, within its bounds.
pub(crate) async fn body(body: Body, most: usize) -> Result<Bytes, OAuthError> {
    match tokio::time::timeout(SLOWEST, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(OAuthError::request(format!("the request has more than {} KiB", most / 1024))
                .status(http::StatusCode::PAYLOAD_TOO_LARGE))
        }
        Ok(Err(_)) => Err(OAuthError::request("the request broke off")),
        Err(_) => Err(OAuthError::request("the request took too long")
            .status(http::StatusCode::REQUEST_TIMEOUT)),
    }
}

/// The form that a request carries, and its headers.
pub(crate) async fn form(request: Request) -> Result<(HeaderMap, Parameters), OAuthError> {
    let (parts, sent) = request.into_parts();
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|ty| {
        let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(OAuthError::request("the request must be `application/x-www-form-urlencoded`"));
    }
    let bytes = body(sent, LARGEST).await?;
    let parameters =
        Parameters::parse(&bytes).map_err(|error| OAuthError::request(error.words()))?;
    Ok((parts.headers, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_twice() {
        let read = |text: &str| Parameters::parse(text.as_bytes());
        let fine = read("a=1&b=&c=%20x").unwrap();
        assert_eq!((fine.get("a"), fine.get("b"), fine.get("c")), (Some("1"), None, Some(" x")));
        for wrong in ["a=1&a=1", "a=1&%61=2", "a=&a=1", "a=%00", "a=%ff", "a=x%0d%0ay", "%0a=1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&"a".repeat(LARGEST + 1)).is_err());
    }
}
