//! Clients for unit tests of tools, without OAuth and, if wanted, without a network.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

use super::{
    AuthedClient,
    connection::{Closure, Connection, TokenSource, Transport, http_client},
};
use crate::{
    error::{Error, ErrorKind},
    provider::Provider,
};

impl<P: Provider, T> AuthedClient<P, T> {
    /// Creates a client that sends `token` to the API at `api`, for a test against a local server.
    ///
    /// It can be passed to every tool of `P`. The token cannot be renewed, so a 401 is
    /// [`ErrorKind::GrantExpired`].
    ///
    /// # Panics
    ///
    /// `api` is not a URL, or neither https nor http to this machine.
    pub fn testing(api: &str, token: impl Into<String>) -> Self {
        let http = http_client().unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        Self::fixed(Arc::new(http), api, token.into())
    }

    /// Creates a client whose API is a closure, for a test of a tool without a server.
    ///
    /// The closure gets requests as the API would, including the header `Authorization: Bearer
    /// test-token`. Redirects, errors and pages work as with a server.
    ///
    /// ```
    /// use toolgate::{client::http, prelude::*};
    /// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum Forge {
    /// #     /// Reads.
    /// #     #[scope("repo:read", access = read)]
    /// #     Read,
    /// # }
    ///
    /// /// Says how a repository is described.
    /// #[tool(scopes = "repo:read")]
    /// async fn describe(forge: AuthedClient<Forge>, repo: String) -> Result<String> {
    ///     forge.get(path!("/repos/{repo}/description")).send().await?.text().await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let forge = AuthedClient::testing_with(|request| match request.uri().path() {
    ///     "/repos/compass/description" => http::Response::new("Points north.".into()),
    ///     _ => http::Response::builder().status(404).body("".into()).unwrap(),
    /// });
    /// let text = describe(forge.clone(), "compass".to_owned()).await.unwrap();
    /// assert_eq!(text, "Points north.");
    ///
    /// let error = describe(forge, "sextant".to_owned()).await.unwrap_err();
    /// assert!(error.message().starts_with("Forge has nothing at `GET /repos/sextant/description`"));
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The provider's `API` is not a URL, which `#[provider]` prevents.
    pub fn testing_with(
        api: impl Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::fixed(Arc::new(Closure(api)), P::API, "test-token".to_owned())
    }

    fn fixed(transport: Arc<dyn Transport>, api: &str, token: String) -> Self {
        let tokens = Arc::new(FixedToken { token: token.into(), provider: P::NAME });
        let connection = Connection::new(P::NAME, api, transport, tokens);
        let mut connection = connection.unwrap_or_else(|error| panic!("{error}"));
        connection.dialect = const { &P::DIALECT };
        Self::new(connection.into())
    }
}

/// A token that cannot be renewed.
struct FixedToken {
    token: SecretString,
    provider: &'static str,
}

#[async_trait]
impl TokenSource for FixedToken {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.token.clone())
    }

    async fn renew(&self, _: &SecretString) -> Result<SecretString, Error> {
        let provider = self.provider;
        let message = format!("{provider} does not accept the token of the test");
        Err(Error::with_kind(ErrorKind::GrantExpired { provider }, message))
    }
}
