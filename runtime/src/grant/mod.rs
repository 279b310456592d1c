//! Grants (RFC 6749 §1.3): what a user gave us at a provider, where it is kept, how it stays fresh.

mod clock;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod key;
mod memory;
mod refresh;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use self::{
    clock::{Clock, ManualClock, SystemClock},
    key::{Key, data_dir},
    memory::MemoryStore,
    store::{GrantStore, Revision, SaveError, StoreError, Stored},
};
pub(crate) use self::{
    refresh::{AccessError, Grants, Renew, RenewError, Renewed},
    seal::{Sealer, random},
};

/// Whose grant, at which provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantKey {
    /// The subject, as the caller's issuer names it; `local` for the person at this machine.
    pub subject: String,
    /// The provider's ID.
    pub provider: String,
}

impl GrantKey {
    /// The key of `subject` at `provider`.
    pub fn new(subject: impl Into<String>, provider: impl Into<String>) -> Self {
        Self { subject: subject.into(), provider: provider.into() }
    }
}

/// What a user gave us at a provider.
#[derive(Clone)]
pub struct Grant {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token, if the provider gave one.
    pub refresh_token: Option<SecretString>,
    /// The scopes that were granted, which may be fewer than asked.
    pub scopes: BTreeSet<String>,
    /// When the access token was obtained.
    pub obtained_at: SystemTime,
    /// When the access token expires. `None` if the provider did not say: it may live for ever or
    /// for an hour, and only a 401 will tell.
    pub expires_at: Option<SystemTime>,
    /// What became of it.
    pub state: GrantState,
}

/// What became of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum GrantState {
    /// It is in use.
    Live,
    /// Its refresh token is being redeemed, since this time (seconds since 1970).
    ///
    /// This is the lease for the refresh, taken by compare-and-swap before the token goes out, and
    /// the record that tells the next start that the token may be spent.
    Renewing {
        /// When it began.
        since: u64,
    },
    /// It is good for nothing any more; the user has to connect again.
    Dead {
        /// Why, in words.
        reason: String,
    },
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("access_token", &"[redacted]")
            .field("refresh_token", &self.refresh_token.as_ref().map(|_| "[redacted]"))
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The form of a grant inside the seal.
#[derive(Serialize, Deserialize)]
struct Record {
    access_token: String,
    refresh_token: Option<String>,
    scopes: BTreeSet<String>,
    obtained_at: u64,
    expires_at: Option<u64>,
    state: GrantState,
}

impl Grant {
    /// The bytes to seal.
    pub(crate) fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let record = Record {
            access_token: self.access_token.expose_secret().to_owned(),
            refresh_token: self
                .refresh_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            scopes: self.scopes.clone(),
            obtained_at: seconds(self.obtained_at),
            expires_at: self.expires_at.map(seconds),
            state: self.state.clone(),
        };
        // Strings, numbers and a set of strings are always JSON.
        zeroize::Zeroizing::new(serde_json::to_vec(&record).unwrap_or_default())
    }

    /// What was sealed.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let record: Record = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            access_token: record.access_token.into(),
            refresh_token: record.refresh_token.map(Into::into),
            scopes: record.scopes,
            obtained_at: time(record.obtained_at),
            expires_at: record.expires_at.map(time),
            state: record.state,
        })
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub(crate) fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
