//! Renewal of a grant by its provider.

use std::{collections::BTreeSet, time::Instant};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    grant::model::Grant,
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

    /// Whether the provider issued `grant`, whose tokens are sent nowhere else. The default compares
    /// [`origin`](Self::origin).
    fn has_issued(&self, grant: &Grant) -> bool {
        grant.is_from(self.origin())
    }

    /// Requests a new access token for `grant`, where the token endpoint is not the same for all. The
    /// default is [`renew`](Self::renew) with the grant's scopes.
    ///
    /// # Errors
    ///
    /// As [`renew`](Self::renew).
    async fn renew_grant(
        &self,
        refresh_token: &SecretString,
        grant: &Grant,
    ) -> Result<TokenResponse, TokenError> {
        self.renew(refresh_token, &grant.scopes).await
    }

    /// As [`renew_grant`](Self::renew_grant), where nothing may be sent after `latest`: another process
    /// may have the right to renew by then, and this one have been paused. The default does not look
    /// at the time.
    ///
    /// # Errors
    ///
    /// As [`renew`](Self::renew); [`TokenError::Unreachable`] with `maybe_sent: false` if it is too late.
    async fn renew_before(
        &self,
        latest: Instant,
        refresh_token: &SecretString,
        grant: &Grant,
    ) -> Result<TokenResponse, TokenError> {
        let _ = latest;
        self.renew_grant(refresh_token, grant).await
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

    fn has_issued(&self, grant: &Grant) -> bool {
        grant.is_issued_by(self)
    }

    async fn renew_grant(
        &self,
        refresh_token: &SecretString,
        grant: &Grant,
    ) -> Result<TokenResponse, TokenError> {
        renew_at(self, refresh_token, grant, None).await
    }

    async fn renew_before(
        &self,
        latest: Instant,
        refresh_token: &SecretString,
        grant: &Grant,
    ) -> Result<TokenResponse, TokenError> {
        renew_at(self, refresh_token, grant, Some(latest)).await
    }

    fn refresh_tokens(&self) -> RefreshTokens {
        self.registration.dialect.refresh_tokens
    }
}

/// Renews `grant` at the address of its person.
async fn renew_at(
    oauth: &UpstreamClient,
    refresh_token: &SecretString,
    grant: &Grant,
    latest: Option<Instant>,
) -> Result<TokenResponse, TokenError> {
    match oauth.for_person(&grant.placeholders) {
        Ok(oauth) => oauth.refresh_before(latest, refresh_token, &grant.scopes).await,
        Err(_) => Err(TokenError::Unreachable {
            description: "the grant does not say where the provider is".to_owned(),
            maybe_sent: false,
        }),
    }
}
