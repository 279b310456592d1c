//! Clients for unit tests of tools: no server, no OAuth.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use url::Url;

use super::{AuthedClient, Connection, Tokens, Transport, http_client};
use crate::{
    error::{Error, ErrorKind},
    provider::Provider,
};

impl<P: Provider, T> AuthedClient<P, T> {
    /// A client that sends `token` to the API at `api`, for a test against a local server.
    ///
    /// # Panics
    ///
    /// `api` is not a URL.
    pub fn testing(api: &str, token: impl Into<String>) -> Self {
        let http = http_client().expect("an HTTP client");
        Self::fixed(Transport::Http(http), api, token.into())
    }

    /// A client whose API is a closure, for a test of a tool without any server.
    ///
    /// ```
    /// use toolgate::prelude::*;
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
    /// let forge = AuthedClient::testing_with(|request| {
    ///     assert_eq!(request.uri().path(), "/repos/compass/description");
    ///     http::Response::new("Points north.".into())
    /// });
    /// let text = describe(forge, "compass".to_owned()).await.unwrap();
    /// assert_eq!(text, "Points north.");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The provider's `API` is not a URL, which `#[provider]` does not let happen.
    pub fn testing_with(
        api: impl Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::fixed(Transport::Closure(Box::new(api)), P::API, "test-token".to_owned())
    }

    fn fixed(transport: Transport, api: &str, token: String) -> Self {
        let api = Url::parse(api).unwrap_or_else(|error| panic!("`{api}` is not a URL: {error}"));
        let tokens = Arc::new(Fixed { token: token.into(), provider: P::NAME });
        Self::over(Arc::new(Connection { transport, provider: P::NAME, api, tokens }))
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
        Err(Error::of(ErrorKind::GrantExpired { provider }, message))
    }
}
