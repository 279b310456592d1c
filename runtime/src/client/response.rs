//! An answer of a provider's API.

use std::any::type_name;

use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use url::Url;

use super::asked::Asked;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::{
    error::Error,
    support::http_client::{BodyError, bounded_bytes},
};

/// The most that [`Response::json`], [`Response::text`] and [`Response::bytes`] read, in bytes.
const LARGEST: usize = 10 << 20;

/// As much as a message repeats of what a type says about a value, in characters.
const RULE: usize = 200;

/// An answer of the provider's API: its status is 200 to 299, or 304.
///
/// What reads the body takes the answer; headers are read before that.
pub struct Response {
    inner: reqwest::Response,
    at: Url,
    asked: Asked,
}

impl Response {
    pub(super) fn new(inner: reqwest::Response, at: Url, asked: Asked) -> Self {
        Self { inner, at, asked }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Has nothing changed since the `ETag` that was sent as `If-None-Match`?
    pub fn not_modified(&self) -> bool {
        self.status() == StatusCode::NOT_MODIFIED
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// One header, if it is there and text.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers().get(name.as_ref())?.to_str().ok()
    }

    /// The entity tag, for an `If-None-Match` or `If-Match` of the next request.
    pub fn etag(&self) -> Option<&str> {
        self.header(header::ETAG)
    }

    /// Where the answer came from, after redirects.
    pub(super) fn url(&self) -> &Url {
        &self.at
    }

    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The body as a value of type `T`. At most 10 MiB.
    ///
    /// No body is read as `null`, so that `()` and `Option` stand for a 204.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large, breaks off, is no JSON or no `T`;
    /// the text then names the place in the body and what `T` wants there.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let asked = self.asked.clone();
        let bytes = self.bytes().await?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        let mut json = serde_json::Deserializer::from_slice(text);
        let fault = match serde_path_to_error::deserialize(&mut json) {
            // What stands after the value counts too: half of a page is not the page.
            Ok(value) => match json.end() {
                Ok(()) => return Ok(value),
                Err(_) => "more than one JSON value".to_owned(),
            },
            Err(_) if bytes.is_empty() => "no body, where JSON was expected".to_owned(),
            Err(error) => unlike(type_name::<T>(), &error),
        };
        Err(asked.unreadable(&format!(
            "{fault}. The tool expects something else; calling it again will not help"
        )))
    }

    /// The body as text. At most 10 MiB.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large, breaks off, or is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let asked = self.asked.clone();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| asked.unreadable("text that is not UTF-8"))
    }

    /// The body. At most 10 MiB; [`Response::stream`] has no bound.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large or breaks off.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.whole().await
    }

    // Boxed here: what a tool awaits would be compiled again with it.
    fn whole(self) -> BoxFuture<'static, Result<Bytes, Error>> {
        Box::pin(async {
            let too_large =
                |asked: &Asked| asked.unreadable("more than 10 MiB; ask for less of it");
            // Known beforehand where the provider says it, so that nothing is read for nothing.
            if self.inner.content_length().is_some_and(|length| length > LARGEST as u64) {
                return Err(too_large(&self.asked));
            }
            let Self { inner, asked, .. } = self;
            let body = bounded_bytes(reqwest::Body::from(inner), LARGEST).await;
            body.map_err(|error| match error {
                BodyError::TooLarge => too_large(&asked),
                BodyError::Broken(error) => asked.unreachable(error),
            })
        })
    }

    /// The body as it comes, of any size. [`Request::timeout`](super::Request::timeout) bounds the
    /// whole of it.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let Self { inner, asked, .. } = self;
        inner.bytes_stream().map(move |chunk| chunk.map_err(|error| asked.unreachable(error)))
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers and body are the user's.
        f.debug_struct("Response")
            .field("provider", &self.asked.provider)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a body that is no value of the type with this name.
fn unlike(name: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.inner().classify() {
        Category::Data => {
            let place = match error.path().to_string() {
                root if root == "." => String::new(),
                place => format!("at `{}`: ", bounded(&place)),
            };
            let rule = without_value(&error.inner().to_string());
            format!("JSON that is not `{}`: {place}{rule}", short(name))
        }
        Category::Eof => "JSON that breaks off".to_owned(),
        Category::Syntax | Category::Io => "what is not JSON".to_owned(),
    }
}

/// serde quotes the value that it did not like; it is the user's, so only its kind is told.
fn without_value(text: &str) -> String {
    let text = text.rfind(" at line ").map_or(text, |end| &text[..end]);
    let expected = text.rfind(", expected ").map(|at| &text[at + ", expected ".len()..]);
    let fault = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    match (fault, expected) {
        (Some(fault), Some(expected)) => {
            let kind = fault.split([' ', ',']).next().unwrap_or_default();
            let kind = if kind.starts_with('`') { "another string" } else { kind };
            bounded(&format!("expected {expected}, found {kind}"))
        }
        _ => bounded(text),
    }
}

/// On one line, and no longer than it helps.
fn bounded(text: &str) -> String {
    text.chars().take(RULE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `Vec<Issue>` for `alloc::vec::Vec<forge::Issue>`.
fn short(name: &str) -> String {
    let mut text = String::new();
    for piece in name.split_inclusive(['<', '>', ',', ' ', '(', ')', '[', ']', '&', ';']) {
        text.push_str(piece.rsplit("::").next().unwrap_or(piece));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_their_modules() {
        assert_eq!(short("alloc::vec::Vec<forge::Issue>"), "Vec<Issue>");
        assert_eq!(short("(u8, core::option::Option<&str>)"), "(u8, Option<&str>)");
        assert_eq!(short(type_name::<Vec<Option<std::time::Duration>>>()), "Vec<Option<Duration>>");
    }

    #[test]
    fn faults_without_the_users_values() {
        for (text, told) in [
            (
                r#"invalid type: string "s, expected x", expected u64 at line 1 column 9"#,
                "expected u64, found string",
            ),
            (
                "invalid value: integer `-1`, expected u8 at line 1 column 3",
                "expected u8, found integer",
            ),
            (
                "invalid type: null, expected a string at line 1 column 3",
                "expected a string, found null",
            ),
            (
                "unknown variant `secret`, expected `open` or `closed` at line 1 column 3",
                "expected `open` or `closed`, found another string",
            ),
            ("missing field `title` at line 1 column 2", "missing field `title`"),
        ] {
            assert_eq!(without_value(text), told);
        }
        assert_eq!(without_value(&"x".repeat(1000)).len(), RULE);
    }
}
