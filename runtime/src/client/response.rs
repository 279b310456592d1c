//! An answer of a provider's API.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::refusal;
use crate::error::{Error, ErrorKind};

/// The most that [`Response::json`], [`Response::text`] and [`Response::bytes`] read, in bytes.
const LARGEST: usize = 10 << 20;

/// An answer of the provider's API: its status is 200 to 299, or 304.
pub struct Response {
    inner: reqwest::Response,
    provider: &'static str,
}

impl Response {
    pub(super) fn new(inner: reqwest::Response, provider: &'static str) -> Self {
        Self { inner, provider }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Nothing changed since the `ETag` that was sent as `If-None-Match`?
    pub fn not_modified(&self) -> bool {
        self.status() == StatusCode::NOT_MODIFIED
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// One header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The entity tag.
    pub fn etag(&self) -> Option<&str> {
        self.header(header::ETAG.as_str())
    }

    pub(super) fn url(&self) -> &url::Url {
        self.inner.url()
    }

    /// The body as a value of type `T`. At most 10 MiB.
    ///
    /// # Errors
    ///
    /// The body is too large, breaks off, or is not such a value; the log names the field.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let provider = self.provider;
        let bytes = self.bytes().await?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            // serde's text may quote the value; the path and its kind are enough to find the field.
            let category = error.inner().classify();
            let cause = format!(
                "the answer of {provider} is no `{}`: {category:?} error at `{}`",
                std::any::type_name::<T>(),
                error.path()
            );
            Error::of(
                ErrorKind::UpstreamUnreachable { provider },
                format!("{provider} answered in a form that this tool cannot read; calling again will not help"),
            )
            .because(cause)
        })
    }

    /// The body as text. At most 10 MiB.
    ///
    /// # Errors
    ///
    /// The body is too large, breaks off, or is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let provider = self.provider;
        String::from_utf8(self.bytes().await?.into())
            .map_err(|_| refusal::unreadable(provider, "text that is not UTF-8"))
    }

    /// The body. At most 10 MiB.
    ///
    /// # Errors
    ///
    /// The body is too large or breaks off.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let provider = self.provider;
        let mut body = bytes::BytesMut::new();
        let mut stream = std::pin::pin!(self.stream());
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            if body.len() + chunk.len() > LARGEST {
                return Err(refusal::unreadable(provider, "more than 10 MiB, ask for less of it"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The body as it comes, of any size.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let provider = self.provider;
        self.inner
            .bytes_stream()
            .map(move |chunk| chunk.map_err(|error| refusal::unreachable(provider, error)))
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).finish_non_exhaustive()
    }
}
