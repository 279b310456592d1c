//! Connections to a provider's API: its base URL, its transport and its tokens.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use secrecy::SecretString;
use url::Url;

use crate::{
    error::{ConfigError, Error},
    provider::Dialect,
    support::{http_client, url::parse_endpoint},
    trace::Span,
};

/// How long connecting to the API may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The destination of a client's requests, and the source of their tokens.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) transport: Arc<dyn Transport>,
    /// The provider's name, for messages.
    pub(crate) provider: &'static str,
    pub(crate) provider_id: &'static str,
    /// The base URL of the API.
    pub(crate) api: Url,
    pub(crate) tokens: Arc<dyn TokenSource>,
    /// What the API's responses mean, and the headers of its requests.
    pub(crate) dialect: &'static Dialect,
    /// The call whose connection it is.
    pub(crate) span: Span,
}

impl Connection {
    /// Creates a connection to the API of `provider` at the base URL `api`, which must be https or http
    /// to this machine.
    pub(crate) fn new(
        provider: &'static str,
        api: &str,
        transport: Arc<dyn Transport>,
        tokens: Arc<dyn TokenSource>,
    ) -> Result<Self, ConfigError> {
        let api = parse_endpoint(&format!("the API of `{provider}`"), api, "tokens travel to it")?;
        let (provider_id, dialect, span) = (provider, &Dialect::STANDARD, Span::default());
        Ok(Self { transport, provider, provider_id, api, tokens, dialect, span })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("provider", &self.provider)
            .field("api", &self.api.as_str())
            .finish_non_exhaustive()
    }
}

/// A connection that clones share.
///
/// A trait object, because the compiler proves for each tool that its future is `Send`: an
/// `Arc<Connection>` in it would be proved again field by field, with everything in [`Dialect`].
#[derive(Clone)]
pub(crate) struct SharedConnection(Arc<dyn AsRef<Connection> + Send + Sync>);

impl From<Connection> for SharedConnection {
    fn from(connection: Connection) -> Self {
        Self(Arc::new(connection))
    }
}

impl AsRef<Self> for Connection {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Deref for SharedConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for SharedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Sends requests: a client made by [`http_client`], or a [`Closure`]. It must not follow redirects.
///
/// It is a trait with boxed futures to keep tools fast to compile: the compiler proves for each tool
/// that its future is `Send`, and would go through a whole HTTP client for it.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    async fn execute(&self, request: reqwest::Request)
    -> Result<reqwest::Response, reqwest::Error>;
}

/// A closure instead of an API, for unit tests.
pub(crate) struct Closure<F>(pub(crate) F);

/// Creates the HTTP client that a server's providers share. It follows no redirects, because the
/// target has to be checked before a token is sent there.
pub(crate) fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    let builder = || {
        let builder = http_client::builder().referer(false).connect_timeout(CONNECT_TIMEOUT);
        http_client::with_https_proxy(builder)
    };
    builder()?.build().or_else(|error| {
        // Without root certificates only an API on this machine can be reached.
        let client = builder()?.tls_certs_only([]).build();
        if client.is_ok() {
            tracing::warn!(%error, "no root certificates: no API but one on this machine can be reached");
        }
        client.map_err(|_| error)
    })
}

/// The source of access tokens: a grant, or a test.
#[async_trait]
pub(crate) trait TokenSource: Send + Sync {
    /// Returns a token that has not expired, as far as is known.
    async fn token(&self) -> Result<SecretString, Error>;

    /// Returns another token, after the provider responded 401 to `rejected`.
    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error>;

    /// Called when the provider does not accept `rejected` either, although it was just renewed.
    async fn reject(&self, _rejected: &SecretString) {}

    /// The error of a call whose renewed token was rejected; `None`: the user has to connect an account
    /// again.
    fn rejection(&self) -> Option<Error> {
        None
    }
}

#[async_trait]
impl Transport for reqwest::Client {
    async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, reqwest::Error> {
        Self::execute(self, request).await
    }
}

#[async_trait]
impl<F> Transport for Closure<F>
where
    F: Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync,
{
    async fn execute(
        &self,
        mut request: reqwest::Request,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let body = match request.body_mut().take() {
            Some(body) => body.collect().await?.to_bytes(),
            None => Bytes::new(),
        };
        let mut converted = http::Request::new(body);
        *converted.method_mut() = request.method().clone();
        // The URL parser encoded everything that a URI may not contain.
        *converted.uri_mut() = request.url().as_str().parse().unwrap_or_default();
        *converted.headers_mut() = std::mem::take(request.headers_mut());
        Ok(self.0(converted).into())
    }
}

impl Connection {
    /// Whether the token may be sent there.
    pub(super) fn is_within_api(&self, url: &Url) -> bool {
        // A user and a password in a URL would become another `Authorization` header.
        url.origin() == self.api.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// Appends a path to the API's base URL.
    pub(super) fn join(&self, path: &str) -> Result<Url, Error> {
        let path = format!("{}{path}", self.api.path().trim_end_matches('/'));
        let mut url = self.api.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        // `set_path` normalises the path, which must not change it.
        if !self.is_within_api(&url) || url.path() != path {
            return Err(Error::internal(format!("`{path}` is not a path at {}", self.provider)));
        }
        Ok(url)
    }
}
