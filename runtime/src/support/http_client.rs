//! HTTP client: requests without redirects, and bodies with a bound.

use std::{env, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect::Policy};
use serde::de::DeserializeOwned;

use crate::error::ConfigError;

/// The largest JSON document that is read of an authorization server, in bytes.
const MAX_DOCUMENT_BYTES: usize = 256 << 10;

/// How long a JSON document of an authorization server may take.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The `User-Agent` of all requests.
pub(crate) const USER_AGENT: &str = concat!("toolgate/", env!("CARGO_PKG_VERSION"));

/// A builder with our user agent. It follows no redirects: a request goes where it was configured
/// to go, with its secrets.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().redirect(Policy::none()).user_agent(USER_AGENT)
}

/// The same builder, with the system's proxy for https. A proxy for plain http would see what is sent
/// to a server on this machine.
pub(crate) fn with_https_proxy(builder: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
    let variable = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().find_map(variable);
    let builder = builder.no_proxy();
    let Some(proxy) = proxy else { return Ok(builder) };
    let proxy = reqwest::Proxy::https(proxy)?;
    let direct = ["NO_PROXY", "no_proxy"].iter().find_map(variable).unwrap_or_default();
    let direct = format!("localhost,127.0.0.0/8,::1,{direct}");
    Ok(builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&direct))))
}

/// A client for the documents of an authorization server.
pub(crate) fn client() -> Result<Client, ConfigError> {
    with_https_proxy(builder().timeout(DOCUMENT_TIMEOUT))
        .and_then(ClientBuilder::build)
        .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError<E> {
    /// It has more bytes than allowed.
    TooLarge,
    /// The connection broke.
    Broken(E),
}

/// The whole body, if it has at most `max` bytes. A body that arrives in one piece, as nearly all
/// do, is not copied.
pub(crate) async fn bounded_bytes<B>(mut body: B, max: usize) -> Result<Bytes, BodyError<B::Error>>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > max {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            if body.is_end_stream() {
                break;
            }
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The first `max` bytes of a body, or as many as arrive.
pub(crate) async fn first_bytes<B>(mut body: B, max: usize) -> Vec<u8>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut found = Vec::new();
    while found.len() < max
        && let Some(Ok(frame)) = body.frame().await
    {
        let data = frame.into_data().unwrap_or_default();
        found.extend_from_slice(&data[..data.len().min(max - found.len())]);
    }
    found
}

/// Why a JSON document could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("it answers {0}")]
    Status(u16),
    #[error("it cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    #[error("it is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    #[error("it is not the JSON that it should be")]
    Malformed,
    #[error("{0}")]
    Invalid(String),
}

/// Sends a request and parses the JSON document of a successful response.
pub(crate) async fn fetch_json<T: DeserializeOwned>(
    request: RequestBuilder,
) -> Result<T, FetchError> {
    let unreachable = |error: reqwest::Error| FetchError::Unreachable(error.without_url());
    let request = request.header(http::header::ACCEPT, "application/json");
    let response = request.send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let body = bounded_bytes(reqwest::Body::from(response), MAX_DOCUMENT_BYTES).await;
    let body = body.map_err(|error| match error {
        BodyError::TooLarge => FetchError::TooLarge,
        BodyError::Broken(error) => unreachable(error),
    })?;
    serde_json::from_slice(&body).map_err(|_| FetchError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    /// Runs itself with a proxy in the environment, which cannot be changed within a process.
    #[tokio::test]
    async fn plain_http_goes_through_no_proxy() {
        const TARGET: &str = "TOOLGATE_TEST_TARGET";
        if let Ok(target) = env::var(TARGET) {
            let document: serde_json::Value =
                fetch_json(client().unwrap().get(target)).await.unwrap();
            assert_eq!(document["from"], "issuer");
            return;
        }
        let serve = async |from: &'static str| {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let document = axum::Json(serde_json::json!({ "from": from }));
            let router = axum::Router::new().fallback(async move || document);
            tokio::spawn(async move { axum::serve(listener, router).await });
            url
        };
        let (target, proxy) = (serve("issuer").await, serve("proxy").await);
        let name = "support::http_client::tests::plain_http_goes_through_no_proxy";
        let output = tokio::process::Command::new(env::current_exe().unwrap())
            .args([name, "--exact"])
            .env(TARGET, target)
            .env("HTTP_PROXY", &proxy)
            .env("http_proxy", &proxy)
            .env("ALL_PROXY", &proxy)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        let chunks = |sizes: &'static [usize]| {
            let frames = sizes.iter().map(|&size| {
                Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(vec![b'x'; size])))
            });
            StreamBody::new(stream::iter(frames))
        };
        for sizes in [&[][..], &[0], &[10], &[0, 10], &[3, 0, 7]] {
            let read = bounded_bytes(chunks(sizes), 10).await.unwrap();
            assert_eq!(read.len(), sizes.iter().sum::<usize>(), "{sizes:?}");
        }
        for sizes in [&[11][..], &[10, 1], &[0, 5, 6]] {
            let read = bounded_bytes(chunks(sizes), 10).await;
            assert!(matches!(read, Err(BodyError::TooLarge)), "{sizes:?}");
            assert_eq!(first_bytes(chunks(sizes), 10).await.len(), 10);
        }
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let sent = Bytes::from(vec![b'x'; 100]);
        let read = bounded_bytes(Full::new(sent.clone()), 100).await.unwrap();
        assert_eq!(read.as_ptr(), sent.as_ptr());
    }
}
