//! The client that carries the caller's token to the provider's API, and nowhere else.

pub(crate) mod asked;
pub(crate) mod exchange;
pub(crate) mod link;
pub(crate) mod pages;
pub(crate) mod parameters;
pub(crate) mod path;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{env, fmt, marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::Method;
use secrecy::SecretString;
use url::Url;

// What signatures here name, so that nobody has to match versions.
pub use bytes::Bytes;
pub use http;
/// The body of a request, in the words of [`reqwest`]: made of bytes, text or a stream.
pub use reqwest::Body;

pub use self::{
    pages::Pages,
    path::{IntoPath, Path},
    request::Request,
    response::Response,
};
use crate::{
    error::{ConfigError, Error},
    provider::Provider,
    scope::{CanWrite, Requires},
    support::{http_client, url::parse_endpoint},
};

/// The owner of a client that belongs to no tool or helper yet.
#[derive(Debug)]
pub enum Unclaimed {}

/// Code outside of tools declares no scopes, so nothing is proved of its clients.
impl<P: Provider> CanWrite<P> for Unclaimed {}

/// A client that is authorized at `P` with the scopes that `T` declares.
///
/// Write `AuthedClient<P>` for a parameter of a tool or a helper, and leave `T` to `#[tool]` and
/// `#[requires]`.
///
/// An access token that the provider no longer accepts is renewed once, and the request is sent
/// again. Everything else comes back as an [`Error`] whose text says what happened and what to do.
///
/// # Reading and writing
///
/// [`get`](Self::get), [`head`](Self::head) and [`post_read_only`](Self::post_read_only) are there
/// for every tool. [`post`](Self::post), [`put`](Self::put), [`patch`](Self::patch),
/// [`delete`](Self::delete) and [`request`](Self::request) compile only where the tool or the
/// helper declares a scope with `access = write` or `access = destructive` ([`CanWrite`]). So what
/// a tool's `readOnlyHint` says follows from its code and needs no trust. A POST that only reads, such as a search or a
/// GraphQL query, is `post_read_only`, which a reviewer can search for.
///
/// # Security
///
/// The token goes to the origin of the provider's API (scheme, host and port) and nowhere else:
/// not where a redirect or a link leads, and not where an argument would, because a path is a
/// literal or made by [`path!`](crate::path). It is in no [`Debug`] and in no error. A proxy is
/// used for https only (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), where it sees nothing.
///
/// ```
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// # }
/// /// Says how many stars a repository has.
/// #[tool(scopes = "repo:read")]
/// async fn stars(forge: AuthedClient<Forge>, owner: String, repo: String) -> Result<String> {
///     #[derive(serde::Deserialize)]
///     struct Repository {
///         stars: u64,
///     }
///     let repository: Repository = forge.get(path!("/repos/{owner}/{repo}")).send().await?.json().await?;
///     Ok(repository.stars.to_string())
/// }
/// ```
pub struct AuthedClient<P, T = Unclaimed> {
    connection: Arc<Connection>,
    of: PhantomData<fn() -> (P, T)>,
}

impl<P: Provider, T> AuthedClient<P, T> {
    pub(crate) fn over(connection: Arc<Connection>) -> Self {
        Self { connection, of: PhantomData }
    }

    /// The same client with the scopes of a helper, which the caller's include.
    #[doc(hidden)]
    #[must_use]
    pub fn narrow<H: Requires<P>>(&self) -> AuthedClient<P, H> {
        AuthedClient::over(Arc::clone(&self.connection))
    }

    /// Starts a GET request.
    pub fn get(&self, path: impl IntoPath) -> Request {
        self.send(Method::GET, path)
    }

    /// Starts a HEAD request.
    pub fn head(&self, path: impl IntoPath) -> Request {
        self.send(Method::HEAD, path)
    }

    /// Starts a POST request that only reads: a search, a GraphQL query.
    ///
    /// The compiler takes the author's word for it, so look at each use in a review.
    ///
    /// ```
    /// # use toolgate::prelude::*;
    /// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum Forge {
    /// #     /// Reads.
    /// #     #[scope("repo:read", access = read)]
    /// #     Read,
    /// # }
    /// /// Searches the code.
    /// #[tool(scopes = "repo:read")]
    /// async fn search_code(forge: AuthedClient<Forge>, text: String) -> Result<String> {
    ///     forge.post_read_only("/search").json(&[("text", text)]).send().await?.text().await
    /// }
    /// ```
    pub fn post_read_only(&self, path: impl IntoPath) -> Request {
        self.send(Method::POST, path)
    }

    /// Starts a POST request.
    pub fn post(&self, path: impl IntoPath) -> Request
    where
        T: CanWrite<P>,
    {
        self.send(Method::POST, path)
    }

    /// Starts a PUT request.
    pub fn put(&self, path: impl IntoPath) -> Request
    where
        T: CanWrite<P>,
    {
        self.send(Method::PUT, path)
    }

    /// Starts a PATCH request.
    pub fn patch(&self, path: impl IntoPath) -> Request
    where
        T: CanWrite<P>,
    {
        self.send(Method::PATCH, path)
    }

    /// Starts a DELETE request.
    pub fn delete(&self, path: impl IntoPath) -> Request
    where
        T: CanWrite<P>,
    {
        self.send(Method::DELETE, path)
    }

    /// Starts a request of any method.
    pub fn request(&self, method: Method, path: impl IntoPath) -> Request
    where
        T: CanWrite<P>,
    {
        self.send(method, path)
    }

    fn send(&self, method: Method, path: impl IntoPath) -> Request {
        Request::new(Arc::clone(&self.connection), method, path.into_path())
    }
}

impl<P: Provider> AuthedClient<P> {
    /// Hands the client to a tool: for code that makes clients outside of a call.
    #[must_use]
    pub fn claim<T: Requires<P>>(self) -> AuthedClient<P, T> {
        AuthedClient::over(self.connection)
    }
}

/// The same grant, for requests side by side.
impl<P, T> Clone for AuthedClient<P, T> {
    fn clone(&self) -> Self {
        Self { connection: Arc::clone(&self.connection), of: PhantomData }
    }
}

impl<P: Provider, T> fmt::Debug for AuthedClient<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthedClient")
            .field("provider", &P::NAME)
            .field("api", &self.connection.api.as_str())
            .finish_non_exhaustive()
    }
}

/// Where a client's requests go, and where their tokens come from.
pub(crate) struct Connection {
    pub(crate) transport: Arc<dyn Transport>,
    /// The provider's name, for messages.
    pub(crate) provider: &'static str,
    /// The base URL of the API.
    pub(crate) api: Url,
    pub(crate) tokens: Arc<dyn Tokens>,
    /// [`Dialect::token_check`](crate::provider::Dialect::token_check).
    pub(crate) token_check: Option<&'static str>,
}

impl Connection {
    /// The API of `provider` at the base URL `api`, which is https or this machine.
    pub(crate) fn new(
        provider: &'static str,
        api: &str,
        transport: Arc<dyn Transport>,
        tokens: Arc<dyn Tokens>,
    ) -> Result<Self, ConfigError> {
        let api = parse_endpoint(&format!("the API of `{provider}`"), api, "tokens travel to it")?;
        Ok(Self { transport, provider, api, tokens, token_check: None })
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

/// What carries a request: a client made by [`http_client`], which must follow no redirects, or an
/// [`Closure`].
///
/// A trait, and its futures are boxed, for the sake of those who build tools: the compiler proves of
/// each tool that its future may change threads, and would look through a whole HTTP client for it.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    async fn carry(&self, request: reqwest::Request) -> Result<reqwest::Response, reqwest::Error>;
}

/// A closure in the place of an API, for unit tests.
pub(crate) struct Closure<F>(pub(crate) F);

/// The HTTP client that a server's providers share. It follows no redirect by itself: where a
/// redirect leads is looked at before a token goes there.
pub(crate) fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    let builder = || {
        let mut builder = http_client::builder()
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            // A proxy for plain http would read the tokens of an API on this machine.
            .no_proxy();
        let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::https(proxy)?;
            let direct = env::var("NO_PROXY").or_else(|_| env::var("no_proxy")).unwrap_or_default();
            let direct = format!("localhost,127.0.0.0/8,::1,{direct}");
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&direct)));
        }
        Ok(builder)
    };
    builder()?.build().or_else(|error| {
        // A machine without root certificates can still reach itself; nothing else is trusted then.
        let client = builder()?.tls_certs_only([]).build();
        if client.is_ok() {
            tracing::warn!(%error, "no root certificates: no API but one on this machine can be reached");
        }
        client.map_err(|_| error)
    })
}

/// Where access tokens come from: a grant, or a test.
#[async_trait]
pub(crate) trait Tokens: Send + Sync {
    /// A token that is good now, as far as one can know.
    async fn token(&self) -> Result<SecretString, Error>;

    /// Another one, because the provider answered 401 to `rejected`.
    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error>;

    /// The provider does not accept `rejected` either, although it was just renewed.
    async fn give_up(&self, _rejected: &SecretString) {}
}
