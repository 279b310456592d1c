//! The client that carries the caller's token to the provider's API, and nowhere else.

mod pages;
mod path;
mod refusal;
mod request;
mod response;
mod testing;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use secrecy::SecretString;
use url::Url;

pub use self::{
    pages::Pages,
    path::{IntoPath, Path},
    request::Request,
    response::Response,
};
use crate::{error::Error, provider::Provider, scope::Requires};

/// Stands where no tool has claimed a client.
#[derive(Debug)]
pub enum Unclaimed {}

/// A client that is authorized at `P` with the scopes that `T` declares.
///
/// Write `AuthedClient<P>` for a parameter of a tool or a helper, and leave `T` to `#[tool]` and
/// `#[requires]`.
///
/// Requests go to the provider's API and nowhere else: the token is not sent to another origin,
/// redirects included. An access token that the provider no longer accepts is renewed once, and
/// the request is sent again. Everything else comes back as an [`Error`] whose text says what
/// happened and what to do.
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

    /// A GET request.
    pub fn get(&self, path: impl IntoPath) -> Request {
        self.request(Method::GET, path)
    }

    /// A POST request.
    pub fn post(&self, path: impl IntoPath) -> Request {
        self.request(Method::POST, path)
    }

    /// A PUT request.
    pub fn put(&self, path: impl IntoPath) -> Request {
        self.request(Method::PUT, path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: impl IntoPath) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: impl IntoPath) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: impl IntoPath) -> Request {
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
    pub(crate) transport: Transport,
    /// The provider's name, for messages.
    pub(crate) provider: &'static str,
    /// The base URL of the API.
    pub(crate) api: Url,
    pub(crate) tokens: Arc<dyn Tokens>,
}

/// What carries a request.
pub(crate) enum Transport {
    Http(reqwest::Client),
    /// A closure in the place of the API, for unit tests.
    Closure(Box<Api>),
}

type Api = dyn Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync;

/// The HTTP client that a server's providers share. It follows no redirect by itself: where a
/// redirect leads is looked at before a token goes there.
pub(crate) fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("toolgate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .build()
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
