//! What a renewal asks of the OAuth client, and what a caller gets.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::grant::{DeadReason, Grant, Revision, StoreError};

/// Redeems a refresh token at the provider's token endpoint (RFC 6749 §6).
///
/// Called at most once at a time for a grant, by all processes that share a store.
#[async_trait]
pub trait Renew: Send + Sync + 'static {
    /// Asks for a new access token.
    ///
    /// # Errors
    /// [`RenewError`] says whether the grant is over, or the provider did not answer, or refused
    /// for a reason that has nothing to do with the grant.
    async fn renew(
        &self,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<Renewed, RenewError>;
}

/// The provider's answer to a refresh request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Renewed {
    /// The new access token.
    pub access_token: SecretString,
    /// The next refresh token. `None`: the old one goes on (Google).
    pub refresh_token: Option<SecretString>,
    /// The granted scopes. `None`, or no scope: unchanged.
    pub scopes: Option<BTreeSet<String>>,
    /// The access token's life. `None`, or zero: the provider did not say.
    pub expires_in: Option<Duration>,
}

impl Renewed {
    /// An answer that holds an access token and nothing else.
    pub fn new(access_token: impl Into<SecretString>) -> Self {
        Self {
            access_token: access_token.into(),
            refresh_token: None,
            scopes: None,
            expires_in: None,
        }
    }

    /// Adds the next refresh token.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<SecretString>) -> Self {
        self.refresh_token = Some(token.into());
        self
    }

    /// Adds the granted scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Adds the access token's life.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_in = Some(life);
        self
    }
}

/// Why a refresh request gave no token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RenewError {
    /// `invalid_grant`: the refresh token is revoked, expired or spent. The grant is over.
    #[error("the provider answered invalid_grant")]
    InvalidGrant {
        /// `error_description`, if the provider sent one.
        description: Option<String>,
    },
    /// No answer: a network fault, a time-out, a 5xx.
    #[error("the provider's token endpoint did not answer: {description}")]
    Unreachable {
        /// What happened, without secrets.
        description: String,
        /// Whether the request may have arrived, so that the refresh token may be spent. `false`
        /// only where that is certain, as with a refused connection.
        maybe_sent: bool,
    },
    /// Any other refusal, such as `invalid_client`: for the operator, not for the person.
    #[error("the provider refused to renew with status {status}: {description}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code and its description.
        description: String,
    },
    /// 429, or a 503 that says when to come back.
    #[error("the provider's token endpoint is busy")]
    Busy {
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
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
