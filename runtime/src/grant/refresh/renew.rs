//! Renewal of a grant by its provider.

use std::collections::BTreeSet;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    oauth::{TokenError, TokenResponse, UpstreamClient},
    provider::RefreshTokens,
};

/// Exchanges a refresh token at the provider's token endpoint (RFC 6749 §6).
///
/// For one grant it is called at most once at a time by all processes that share a store.
#[async_trait]
pub trait Renew: Send + Sync + 'static {
    /// Requests a new access token. `scopes`: those of the grant.
    ///
    /// # Errors
    ///
    /// [`TokenError`] says whether the grant is dead, the provider did not answer, or it refused for
    /// a reason that has nothing to do with the grant.
    async fn renew(
        &self,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError>;

    /// The origin of the token endpoint. A grant that another origin issued is not sent there.
    /// `None`, the default: unknown.
    fn origin(&self) -> Option<&str> {
        None
    }

    /// How the provider's refresh tokens behave. The default: nothing is known.
    fn refresh_tokens(&self) -> RefreshTokens {
        RefreshTokens::STANDARD
    }
}

#[async_trait]
impl Renew for UpstreamClient {
    async fn renew(
        &self,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.refresh(refresh_token, scopes).await
    }

    fn origin(&self) -> Option<&str> {
        Some(self.origin())
    }

    fn refresh_tokens(&self) -> RefreshTokens {
        self.registration.dialect.refresh_tokens
    }
}
