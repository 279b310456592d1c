//! Clients for unit tests of tools: no OAuth, and no network if there need be none.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

use super::{AuthedClient, Closure, Connection, Tokens, Transport, http_client};
use crate::{
    error::{Error, ErrorKind},
    provider::Provider,
};

impl<P: Provider, T> AuthedClient<P, T> {
    /// A client that sends `token` to the API at `api`, for a test against a local server.
    ///
    /// It fits every tool of `P`, since a tool is a plain function. The token cannot be renewed: a
    /// 401 is [`ErrorKind::GrantExpired`] at once.
    ///
    /// # Panics
    ///
    /// `api` is no URL, or neither https nor http to this machine.
    pub fn testing(api: &str, token: impl Into<String>) -> Self {
        let http = http_client().unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        Self::fixed(Arc::new(http), api, token.into())
    }

    /// A client whose API is a closure, for a test of a tool without any server.
    ///
    /// The closure sees requests as the API would, the header `Authorization: Bearer test-token`
    /// among them, and it answers for good and for bad: redirects, refusals and pages work as they
    /// do with a server.
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
    /// The provider's `API` is no URL, which `#[provider]` does not let happen.
    pub fn testing_with(
        api: impl Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::fixed(Arc::new(Closure(api)), P::API, "test-token".to_owned())
    }

    fn fixed(transport: Arc<dyn Transport>, api: &str, token: String) -> Self {
        let tokens = Arc::new(Fixed { token: token.into(), provider: P::NAME });
        let connection = Connection::new(P::NAME, api, transport, tokens);
        let mut connection = connection.unwrap_or_else(|error| panic!("{error}"));
        connection.token_check = P::DIALECT.token_check;
        Self::over(Arc::new(connection))
    }
}

/// One token, which cannot be renewed.
struct Fixed {
    token: SecretString,
    provider: &'static str,
}

#[async_trait]
impl Tokens for Fixed {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.token.clone())
    }

    async fn renew(&self, _: &SecretString) -> Result<SecretString, Error> {
        let provider = self.provider;
        let message = format!("{provider} does not accept the token of the test");
        Err(Error::with_kind(ErrorKind::GrantExpired { provider }, message))
    }
}
