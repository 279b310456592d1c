//! Access tokens that [`Grants`](super::Grants) returns, and why there is none.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use secrecy::SecretString;

use crate::{
    grant::{
        clients::GrantClients,
        model::{DeadReason, Grant, GrantState, Revision, Stored},
        store_error::StoreError,
    },
    provider::PlaceholderValues,
};

/// A usable access token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Access {
    /// The access token.
    pub token: SecretString,
    /// Its scopes.
    pub scopes: BTreeSet<String>,
    /// The revision of the grant it was read from.
    pub revision: Revision,
    /// When it was received from the provider.
    pub obtained_at: SystemTime,
    /// The clients that may use the grant; `None`: all.
    clients: Option<GrantClients>,
    /// The values of the provider's placeholders.
    pub(crate) placeholders: PlaceholderValues,
}

impl Access {
    pub(super) fn new(grant: &Grant, revision: Revision) -> Self {
        Self {
            token: grant.access_token.clone(),
            scopes: grant.scopes.clone(),
            revision,
            obtained_at: grant.obtained_at,
            clients: grant.clients.clone(),
            placeholders: grant.placeholders.clone(),
        }
    }

    /// Whether the client with this `client_id` may use the grant.
    pub(crate) fn allows(&self, client: &str) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.contains(client))
    }

    /// The access token of a live grant.
    pub(super) fn from_live(stored: &Stored<Grant>) -> Result<Self, AccessError> {
        match &stored.value.state {
            GrantState::Live => Ok(Self::new(&stored.value, stored.revision)),
            GrantState::Dead { reason } => Err(AccessError::Dead { reason: reason.clone() }),
        }
    }
}

/// Why there is no access token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// There is no grant: ask the user for consent.
    #[error("the account is not connected")]
    Missing,
    /// The grant is dead: ask the user for consent again.
    #[error("the connection has ended: {reason}; the account must be connected again")]
    Dead {
        /// Why.
        reason: DeadReason,
    },
    /// The grant was given at another provider with the same ID: ask the user for consent.
    #[error("the account was connected at another address; it must be connected again")]
    OtherProvider,
    /// The access token has expired and there is no refresh token: ask the user for consent again.
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
    /// The provider refuses for a reason that the operator has to fix, such as a wrong client
    /// secret. The grant is kept.
    #[error("the token could not be renewed: the provider refused with {status} ({description})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The provider's error.
        description: String,
    },
    /// The provider asks to wait, or another process takes too long to renew. The grant is kept.
    #[error("the token could not be renewed now; try again later")]
    Busy {
        /// How long to wait, where known.
        retry_after: Option<Duration>,
    },
    /// The API refuses one renewed token after another, so renewing does not help.
    #[error("the API keeps refusing freshly renewed tokens; renewing does not help")]
    Rejected,
    /// The store failed, so it is unknown whether there is a grant.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The renewal was aborted: the server is stopping, or the renewal panicked.
    #[error("the renewal of the token was aborted")]
    Aborted,
}

impl AccessError {
    /// Returns whether the user has to connect the account, for the first time or again.
    pub fn is_consent_needed(&self) -> bool {
        matches!(self, Self::Missing | Self::Dead { .. } | Self::Expired)
    }

    /// Returns the HTTP status with which the provider refused the renewal, if it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns how long to wait before the next renewal, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl From<StoreError> for AccessError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}
