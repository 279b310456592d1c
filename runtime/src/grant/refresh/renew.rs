//! What a renewal asks of the OAuth client, and what a caller gets.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    grant::{DeadReason, Grant, Revision, StoreError},
    oauth::{TokenError, TokenResponse, UpstreamClient},
};

/// Redeems a refresh token at the provider's token endpoint (RFC 6749 §6).
///
/// Called at most once at a time for a grant, by all processes that share a store.
#[async_trait]
pub trait Renew: Send + Sync + 'static {
    /// Asks for a new access token.
    ///
    /// # Errors
    /// [`TokenError`] says whether the grant is over, or the provider did not answer, or refused
    /// for a reason that has nothing to do with the grant.
    async fn renew(
        &self,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError>;
}

#[async_trait]
impl Renew for UpstreamClient {
    async fn renew(
        &self,
        refresh_token: &SecretString,
        _scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.refresh(refresh_token).await
    }
}

/// An access token to call with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Access {
    /// The access token.
    pub token: SecretString,
    /// The scopes that it has.
    pub scopes: BTreeSet<String>,
    /// The revision of the grant that it was read from.
    pub revision: Revision,
    /// When the token was received from the provider.
    pub obtained_at: SystemTime,
}

impl Access {
    pub(crate) fn of(grant: &Grant, revision: Revision) -> Self {
        Self {
            token: grant.access_token.clone(),
            scopes: grant.scopes.clone(),
            revision,
            obtained_at: grant.obtained_at,
        }
    }
}

/// Why there is no access token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Nothing was ever granted, or it was taken back here: ask for consent.
    #[error("the account is not connected")]
    Missing,
    /// The grant is over for good: ask for consent again.
    #[error("the connection has ended: {reason}; the account must be connected again")]
    Dead {
        /// Why.
        reason: DeadReason,
    },
    /// The access token is over and there is no refresh token: ask for consent again.
    #[error(
        "the access token is no longer valid and the provider gave no refresh token; the account \
         must be connected again"
    )]
    Expired,
    /// The provider's token endpoint did not answer. The grant is kept.
    #[error("the token could not be renewed: the provider did not answer ({description})")]
    Unreachable {
        /// What happened.
        description: String,
    },
    /// The provider refuses for a reason of the operator's, such as a wrong client secret. The
    /// grant is kept.
    #[error("the token could not be renewed: the provider refused with {status} ({description})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The provider's error.
        description: String,
    },
    /// The provider asks to wait, or a renewal elsewhere takes too long. The grant is kept.
    #[error("the token could not be renewed now; try again later")]
    Busy {
        /// How long to wait, where known.
        retry_after: Option<Duration>,
    },
    /// The API refuses one fresh token after another, so renewing is no remedy.
    #[error("the API keeps refusing freshly renewed tokens; renewing does not help")]
    Rejected,
    /// The store failed; whether there is a grant is not known.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The renewal was cut off: the server is stopping, or there is a bug in it.
    #[error("the renewal of the token was cut off")]
    Aborted,
}

impl From<StoreError> for AccessError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}
