//! Documents of an authorization server, fetched with bounds on everything.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, redirect::Policy};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{error::ConfigError, provider::is_loopback};

/// The most that is read of a document, in bytes.
const LARGEST: usize = 256 << 10;

/// How long a document may take.
const SLOWEST: Duration = Duration::from_secs(5);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("it answers {0}")]
    Status(u16),
    #[error("it cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("it is not the JSON that it should be")]
    Malformed,
    #[error("{0}")]
    Wrong(String),
}

/// A client that follows no redirects: where keys come from is what was configured.
pub(crate) fn client() -> Result<Client, ConfigError> {
    Client::builder()
        .redirect(Policy::none())
        .timeout(SLOWEST)
        .user_agent(concat!("toolgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))
}

/// https, or http to this machine.
pub(crate) fn parse(url: &str) -> Result<Url, ConfigError> {
    let parsed =
        Url::parse(url).map_err(|error| ConfigError::new(format!("`{url}` is no URL: {error}")))?;
    if parsed.scheme() == "https" || parsed.scheme() == "http" && is_loopback(&parsed) {
        return Ok(parsed);
    }
    Err(ConfigError::new(format!(
        "`{url}` is not https, and what tokens are verified by comes from it"
    )))
}

/// The document at `url`.
pub(crate) async fn json<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
) -> Result<T, FetchError> {
    let request = request.header("accept", "application/json");
    let response =
        request.send().await.map_err(|error| FetchError::Unreachable(error.without_url()))?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| FetchError::Unreachable(error.without_url()))?;
        if body.len() + chunk.len() > LARGEST {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| FetchError::Malformed)
}
