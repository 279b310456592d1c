//! Verification of the broker's own access tokens, whose keys it knows without a request.

use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;

use super::state::Broker;
use crate::gate::{FetchError, Jwt, KeySource};

#[async_trait]
impl KeySource for Broker {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        self.jwks().await.map_err(|error| FetchError::Invalid(error.to_string()))
    }
}

impl Broker {
    /// Returns a verifier of the broker's access tokens.
    pub fn verifier(&self) -> Jwt {
        Jwt::with_key_source(self.issuer().to_owned(), self.clone(), self.0.clock.clone())
    }
}
