//! What a person granted, kept safe and kept fresh.
//!
//! A [`Grant`] is one person's consent at one provider: an access token, perhaps a refresh
//! token, the scopes that were really granted and, where the provider says so, when the access
//! token ends. Grants lie in a [`GrantStore`]; [`Grants`] hands out access tokens and renews
//! them: ahead of time, once for any number of callers and processes, and never in a way that
//! loses a rotated refresh token without saying so.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use toolgate::grant::{Grant, GrantKey, Grants, ManualClock, MemoryStore, SystemClock};
//! # use toolgate::grant::{Renew, TokenResponse, TokenError};
//! # struct Provider;
//! # #[async_trait::async_trait]
//! # impl Renew for Provider {
//! #     async fn renew(
//! #         &self,
//! #         _: &secrecy::SecretString,
//! #         _: &std::collections::BTreeSet<String>,
//! #     ) -> Result<TokenResponse, TokenError> {
//! #         Ok(TokenResponse::new("new-access").expires_in(Duration::from_secs(3600)))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(ManualClock::new());
//! let store = Arc::new(MemoryStore::with_clock(clock.clone()));
//! let grants = Grants::new(store, clock.clone());
//!
//! let key = GrantKey::new("alice", "forge");
//! let grant = Grant::new("old-access", clock.now())
//!     .refresh_token("refresh")
//!     .scopes(["repo:read"])
//!     .expires_in(Duration::from_mins(1));
//! grants.put(&key, grant).await?;
//!
//! clock.advance(Duration::from_secs(61));
//! let renew: Arc<dyn Renew> = Arc::new(Provider);
//! let access = grants.access(&key, &renew).await?;
//! assert!(access.scopes.contains("repo:read"));
//! # use secrecy::ExposeSecret;
//! # assert_eq!(access.token.expose_secret(), "new-access");
//! # use toolgate::grant::Clock;
//! # Ok(())
//! # }
//! ```

#[cfg(any(test, feature = "testing"))]
pub mod contract;
pub(crate) mod disconnect;
pub(crate) mod key;
pub(crate) mod memory;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod refresh;
pub(crate) mod seal;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod store;

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

pub use crate::oauth::{TokenError, TokenResponse};
pub use crate::support::clock::{Clock, ManualClock, SystemClock};
pub use disconnect::DisconnectOutcome;
pub use key::{KeyError, MasterKey};
pub use memory::MemoryStore;
pub use records::{Namespace, Records};
pub use refresh::renew::{Access, AccessError, Renew};
pub use refresh::{Grants, RefreshPolicy};
pub use seal::{Sealer, UnsealError};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, data_directory};
pub(crate) use store::PENDING_ROWS;
pub use store::{GrantStore, HolderId, Lease, SaveError, StoreError};

/// Whose grant, and at which provider.
///
/// Neither part may come from a secret that rotates: a key must outlive every token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantKey {
    /// The person, as inbound authorization names them.
    pub subject: String,
    /// The provider's name, as `#[provider]` gives it.
    pub provider: String,
}

impl GrantKey {
    /// The key of `subject`'s grant at `provider`.
    pub fn new(subject: impl Into<String>, provider: impl Into<String>) -> Self {
        Self { subject: subject.into(), provider: provider.into() }
    }
}

/// One person's consent at one provider.
///
/// `Debug` shows neither token. There is no public serialised form: a store seals a grant with
/// [`Sealer::seal_grant`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Grant {
    /// The token that calls carry.
    pub access_token: SecretString,
    /// The token that buys the next access token; a provider need not give one.
    pub refresh_token: Option<SecretString>,
    /// What was granted, which may be less than what was asked.
    pub scopes: BTreeSet<String>,
    /// When the access token ends. `None`: the provider did not say, so only a refusal tells.
    pub expires_at: Option<SystemTime>,
    /// When the access token was received.
    pub obtained_at: SystemTime,
    /// Whether the grant can still be used.
    pub state: GrantState,
    /// A renewal that was begun and whose end is not recorded.
    pub renewal: Option<Renewal>,
}

impl Grant {
    /// A live grant with an access token received at `obtained_at`, and nothing else known.
    pub fn new(access_token: impl Into<String>, obtained_at: SystemTime) -> Self {
        Self {
            access_token: SecretString::from(access_token.into()),
            refresh_token: None,
            scopes: BTreeSet::new(),
            expires_at: None,
            obtained_at,
            state: GrantState::Live,
            renewal: None,
        }
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_token = Some(SecretString::from(token.into()));
        self
    }

    /// Sets the scopes that were granted.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the access token's life from the token response's `expires_in`.
    ///
    /// Zero says nothing: some providers send it for a token that does not end.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_at = (!life.is_zero()).then(|| self.obtained_at.checked_add(life)).flatten();
        self
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("access_token", &"[redacted]")
            .field("refresh_token", &self.refresh_token.as_ref().map(|_| "[redacted]"))
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .field("obtained_at", &self.obtained_at)
            .field("state", &self.state)
            .field("renewal", &self.renewal)
            .finish()
    }
}

/// Whether a grant can still be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It can.
    Live,
    /// It cannot, for good: only the person can replace it, by connecting again.
    Dead {
        /// Why.
        reason: DeadReason,
    },
}

/// Why a grant is dead. The text says it to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeadReason {
    /// The provider answered `invalid_grant`: revoked, or too long unused.
    InvalidGrant {
        /// The provider's `error_description`, shortened.
        description: Option<String>,
    },
    /// A renewal was cut off before its answer was stored, and the provider does not take the
    /// old refresh token again.
    Interrupted,
    /// The provider's API takes its token no longer, and there is no other.
    Refused,
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidGrant { description: Some(text) } => {
                write!(f, "the provider no longer accepts it (invalid_grant: {text})")
            }
            Self::InvalidGrant { description: None } => {
                f.write_str("the provider no longer accepts it (invalid_grant)")
            }
            Self::Refused => f.write_str("the provider's API no longer accepts its token"),
            Self::Interrupted => f.write_str(
                "interrupted refresh: the server stopped between renewing the token and storing it",
            ),
        }
    }
}

/// The record of a renewal under way, stored before the refresh token is spent.
///
/// Whoever finds one that nobody works on knows that the refresh token may be spent already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// When the renewal began.
    #[serde(with = "record::millis")]
    pub since: SystemTime,
    digest: [u8; 32],
}

impl Renewal {
    fn of(refresh_token: &SecretString, since: SystemTime) -> Self {
        Self { since, digest: digest(refresh_token) }
    }

    /// Whether this renewal meant to spend `refresh_token`.
    fn is_of(&self, refresh_token: &SecretString) -> bool {
        use subtle::ConstantTimeEq as _;
        self.digest.ct_eq(&digest(refresh_token)).into()
    }
}

fn digest(secret: &SecretString) -> [u8; 32] {
    let mut out = [0; 32];
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.expose_secret().as_bytes());
    out.copy_from_slice(digest.as_ref());
    out
}

/// Equality of secrets in a time that depends on nothing but their lengths.
fn same_secret(one: &SecretString, other: &SecretString) -> bool {
    use subtle::ConstantTimeEq as _;
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}

/// Which writing of a row: every write makes another.
///
/// Opaque but for equality; [`Revision::ABSENT`] stands for "there is no row".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// No row: as the expectation of a save it says that the row must not exist.
    pub const ABSENT: Self = Self(0);
}

/// A value and the revision it was read at.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// The revision to name when the value is replaced.
    pub revision: Revision,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let grant = Grant::new("at-secret", SystemTime::UNIX_EPOCH).refresh_token("rt-secret");
        let shown = format!("{grant:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("[redacted]"));
    }

    #[test]
    fn a_life_of_zero_is_unknown() {
        let grant = Grant::new("a", SystemTime::UNIX_EPOCH).expires_in(Duration::ZERO);
        assert_eq!(grant.expires_at, None);
    }

    #[test]
    fn the_interrupted_reason_says_so() {
        assert!(DeadReason::Interrupted.to_string().starts_with("interrupted refresh"));
    }
}
