//! The gate in front of the tools accepts the broker's own tokens, and knows their keys without HTTP.

use async_trait::async_trait;
use http::HeaderMap;
use jsonwebtoken::jwk::JwkSet;
use secrecy::SecretString;

use super::Broker;
use crate::{
    gate::{FetchError, Jwt, KeySource},
    grant::StoreError,
};

#[async_trait]
impl KeySource for Broker {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        self.jwks().await.map_err(|error| FetchError::Wrong(error.to_string()))
    }
}

impl Broker {
    /// The subject who is signed in with the browser that sent these headers, if somebody is.
    pub(crate) async fn whose_browser(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<String>, StoreError> {
        self.signed_in(headers).await
    }

    /// The subject whose account at the provider this token opens.
    pub(crate) async fn account(&self, token: &SecretString) -> Result<String, String> {
        self.who_is(token).await
    }

    /// Verifies the broker's access tokens.
    pub fn verifier(&self) -> Jwt {
        Jwt::by(self.issuer().to_owned(), self.clone(), self.0.clock.clone())
    }
}
