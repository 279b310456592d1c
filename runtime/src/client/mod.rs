//! HTTP client for a provider's API. It sends the caller's token there and nowhere else.

mod api_error;
pub(crate) mod connection;
mod exchange;
mod link;
mod other_api;
pub(crate) mod pages;
mod parameters;
pub(crate) mod path;
pub(crate) mod request;
mod request_description;
pub(crate) mod response;
mod signal;
mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod token_exchange;

use std::{fmt, marker::PhantomData};

use http::Method;

// Types in the signatures here, so that users need not match versions.
pub use bytes::Bytes;
pub use http;
/// The body of a request: bytes, text or a stream.
pub use reqwest::Body;

pub(crate) use self::connection::{Connection, SharedConnection, TokenSource, http_client};
pub use self::{
    pages::Pages,
    path::{IntoPath, Path},
    request::RequestBuilder,
    response::Response,
};
use crate::{
    provider::Provider,
    scope::{CanWrite, DeclaresWrite, Requires},
};

/// The owner of a client that belongs to no tool or helper yet.
#[derive(Debug)]
pub enum Unclaimed {}

/// Code outside of tools declares no scopes, so nothing is proved of its clients.
impl<P> DeclaresWrite<P> for Unclaimed {}

/// A client that is authorized at `P` with the scopes that `T` declares.
///
/// Write `AuthedClient<P>` for a parameter of a tool or a helper, and leave `T` to `#[tool]` and
/// `#[requires]`.
///
/// An access token that the provider no longer accepts is renewed once, and the request is sent
/// again. Everything else comes back as an [`Error`](crate::Error) whose text says what happened and what to do.
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
/// The token goes to the origin of the provider's API (scheme, host and port), to that of an
/// [`Api`](crate::provider::Api) that the program declares, and nowhere else: not where a redirect
/// or a link leads, and not where an argument would, because a path is a literal or made by
/// [`path!`](crate::path). It is in no [`Debug`] and in no error. A proxy is used for https only
/// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), where it sees nothing.
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
    connection: SharedConnection,
    of: PhantomData<fn() -> (P, T)>,
}

// No bound: a type that is no provider is one error of the macros, and not one more at every use.
impl<P, T> AuthedClient<P, T> {
    pub(crate) fn new(connection: SharedConnection) -> Self {
        Self { connection, of: PhantomData }
    }

    /// Returns the client for a helper, whose scopes the caller's include.
    #[doc(hidden)]
    #[must_use]
    pub fn narrow<H: Requires<P>>(&self) -> AuthedClient<P, H> {
        AuthedClient::new(self.connection.clone())
    }

    /// Starts a GET request.
    pub fn get(&self, path: impl IntoPath) -> RequestBuilder {
        self.send(Method::GET, path)
    }

    /// Starts a HEAD request.
    pub fn head(&self, path: impl IntoPath) -> RequestBuilder {
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
    pub fn post_read_only(&self, path: impl IntoPath) -> RequestBuilder {
        self.send(Method::POST, path)
    }

    /// Starts a POST request.
    pub fn post(&self, path: impl IntoPath) -> RequestBuilder
    where
        T: CanWrite<P>,
    {
        self.send(Method::POST, path)
    }

    /// Starts a PUT request.
    pub fn put(&self, path: impl IntoPath) -> RequestBuilder
    where
        T: CanWrite<P>,
    {
        self.send(Method::PUT, path)
    }

    /// Starts a PATCH request.
    pub fn patch(&self, path: impl IntoPath) -> RequestBuilder
    where
        T: CanWrite<P>,
    {
        self.send(Method::PATCH, path)
    }

    /// Starts a DELETE request.
    pub fn delete(&self, path: impl IntoPath) -> RequestBuilder
    where
        T: CanWrite<P>,
    {
        self.send(Method::DELETE, path)
    }

    /// Starts a request of any method.
    pub fn request(&self, method: Method, path: impl IntoPath) -> RequestBuilder
    where
        T: CanWrite<P>,
    {
        self.send(method, path)
    }

    fn send(&self, method: Method, path: impl IntoPath) -> RequestBuilder {
        RequestBuilder::new(self.connection.clone(), method, path.into_path())
    }
}

impl<P: Provider> AuthedClient<P> {
    /// Turns the client into that of a tool, for code that creates clients outside of a call.
    #[must_use]
    pub fn claim<T: Requires<P>>(self) -> AuthedClient<P, T> {
        AuthedClient::new(self.connection)
    }
}

/// Clones share one grant, for concurrent requests.
impl<P, T> Clone for AuthedClient<P, T> {
    fn clone(&self) -> Self {
        Self { connection: self.connection.clone(), of: PhantomData }
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
