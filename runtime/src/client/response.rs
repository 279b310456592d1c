//! Responses of a provider's API.

use std::any::type_name;

use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use url::Url;

use super::request_description::RequestDescription;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::{
    error::Error,
    support::http_client::{BodyError, bounded_bytes},
};

/// The most that [`Response::json`], [`Response::text`] and [`Response::bytes`] read.
const MAX_BODY_BYTES: usize = 10 << 20;

/// The most characters of a deserialization error that a message repeats.
const MAX_DETAIL_CHARS: usize = 200;

/// A response of the provider's API. Its status is 200 to 299, or 304.
///
/// Methods that read the body consume the response, so read headers before.
pub struct Response {
    inner: reqwest::Response,
    url: Url,
    description: RequestDescription,
}

impl Response {
    pub(super) fn new(inner: reqwest::Response, url: Url, description: RequestDescription) -> Self {
        Self { inner, url, description }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Whether the resource is unchanged since the `ETag` that was sent as `If-None-Match`.
    pub fn not_modified(&self) -> bool {
        self.status() == StatusCode::NOT_MODIFIED
    }

    /// Returns all headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Returns a header, if it exists and is text.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers().get(name.as_ref())?.to_str().ok()
    }

    /// Returns the entity tag, for `If-None-Match` or `If-Match` of the next request.
    pub fn etag(&self) -> Option<&str> {
        self.header(header::ETAG)
    }

    /// The URL of the response, after redirects.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn description(&self) -> &RequestDescription {
        &self.description
    }

    /// Reads the body as JSON of type `T`. At most 10 MiB.
    ///
    /// An empty body is read as `null`, so that a 204 is `()` or `None`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large, incomplete, not JSON or not a `T`.
    /// In the last case the text names the place in the body and what `T` expects there.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let description = self.description.clone();
        let bytes = self.bytes().await?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        let mut json = serde_json::Deserializer::from_slice(text);
        let problem = match serde_path_to_error::deserialize(&mut json) {
            // Text after the value is an error too: part of a page is not the page.
            Ok(value) => match json.end() {
                Ok(()) => return Ok(value),
                Err(_) => "more than one JSON value".to_owned(),
            },
            Err(_) if bytes.is_empty() => "no body, where JSON was expected".to_owned(),
            Err(error) => describe_mismatch(type_name::<T>(), &error),
        };
        Err(description.unreadable(&format!(
            "{problem}. The tool expects something else; calling it again will not help"
        )))
    }

    /// Reads the body as text. At most 10 MiB.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large, incomplete, or not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let description = self.description.clone();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into())
            .map_err(|_| description.unreadable("text that is not UTF-8"))
    }

    /// Reads the body. At most 10 MiB; [`Response::bytes_stream`] has no bound.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UpstreamUnreachable`]: the body is too large or incomplete.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        self.read_body().await
    }

    // Boxed, because a future that a tool awaits is compiled again with each tool.
    fn read_body(self) -> BoxFuture<'static, Result<Bytes, Error>> {
        Box::pin(async {
            let too_large = |request: &RequestDescription| {
                request.unreadable("more than 10 MiB; ask for less of it")
            };
            // A body that announces its length is refused before it is read.
            if self.inner.content_length().is_some_and(|length| length > MAX_BODY_BYTES as u64) {
                return Err(too_large(&self.description));
            }
            let Self { inner, description, .. } = self;
            let body = bounded_bytes(reqwest::Body::from(inner), MAX_BODY_BYTES).await;
            body.map_err(|error| match error {
                BodyError::TooLarge => too_large(&description),
                BodyError::Broken(error) => description.unreachable(error),
            })
        })
    }

    /// Returns the body as a stream, of any size. The [timeout](super::RequestBuilder::timeout) of the
    /// request applies to all of it.
    pub fn bytes_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let Self { inner, description, .. } = self;
        inner.bytes_stream().map(move |chunk| chunk.map_err(|error| description.unreachable(error)))
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The headers and the body are private.
        f.debug_struct("Response")
            .field("provider", &self.description.provider)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Describes why a body is not a value of the type with this name.
fn describe_mismatch(name: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.inner().classify() {
        Category::Data => {
            let place = match error.path().to_string() {
                root if root == "." => String::new(),
                place => format!("at `{}`: ", bounded(&place)),
            };
            let detail = without_value(&error.inner().to_string());
            format!("JSON that is not `{}`: {place}{detail}", short_type_name(name))
        }
        Category::Eof => "JSON that breaks off".to_owned(),
        Category::Syntax | Category::Io => "what is not JSON".to_owned(),
    }
}

/// Removes the value that serde quotes, because it is private. Its kind remains.
fn without_value(text: &str) -> String {
    let text = text.rfind(" at line ").map_or(text, |end| &text[..end]);
    let expected = text.rfind(", expected ").map(|at| &text[at + ", expected ".len()..]);
    let found = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let kind = found.split([' ', ',']).next().unwrap_or_default();
            let kind = if kind.starts_with('`') { "another string" } else { kind };
            bounded(&format!("expected {expected}, found {kind}"))
        }
        _ => bounded(text),
    }
}

/// The start of a text, on one line.
fn bounded(text: &str) -> String {
    text.chars().take(MAX_DETAIL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Removes the modules from a type's name: `Vec<Issue>` for `alloc::vec::Vec<forge::Issue>`.
fn short_type_name(name: &str) -> String {
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
    fn a_short_type_name_has_no_modules() {
        assert_eq!(short_type_name("alloc::vec::Vec<forge::Issue>"), "Vec<Issue>");
        assert_eq!(short_type_name("(u8, core::option::Option<&str>)"), "(u8, Option<&str>)");
        assert_eq!(
            short_type_name(type_name::<Vec<Option<std::time::Duration>>>()),
            "Vec<Option<Duration>>"
        );
    }

    #[test]
    fn a_mismatch_is_described_without_the_value() {
        for (text, expected) in [
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
            assert_eq!(without_value(text), expected);
        }
        assert_eq!(without_value(&"x".repeat(1000)).len(), MAX_DETAIL_CHARS);
    }
}
