//! Storage and refresh of users' grants at providers.
//!
//! A [`Grant`] is one user's consent at one provider: an access token, perhaps a refresh token, the
//! scopes that were granted and, where the provider says so, when the access token expires. Grants
//! are kept in a [`GrantStore`]. [`Grants`] returns access tokens and renews them: before they
//! expire, once for any number of callers and processes, and so that a rotated refresh token is
//! never lost without an error.
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

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod adopt;
pub(crate) mod adopt_account;
pub(crate) mod audit;
pub(crate) mod brief_wait;
pub(crate) mod clients;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod data_keys;
pub(crate) mod disconnect;
mod hand_over;
mod handed_over;
#[cfg(test)]
mod held_provider;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod inventory;
pub(crate) mod key_error;
pub(crate) mod key_ring;
pub(crate) mod key_settings;
pub(crate) mod key_source;
mod late_writes;
pub(crate) mod master_key;
mod master_key_file;
pub(crate) mod memory;
mod memory_rows;
pub(crate) mod millis;
pub(crate) mod model;
mod os_keyring;
#[cfg(feature = "sqlite")]
pub(crate) mod ownership;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod record;
pub(crate) mod record_table;
pub(crate) mod records;
pub(crate) mod refresh;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod rows;
pub(crate) mod seal;
pub(crate) mod selected;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod store;
pub(crate) mod store_error;
pub(crate) mod traced;
pub(crate) mod unseal_error;
pub(crate) mod watchers;

pub use crate::oauth::{TokenError, TokenResponse};
pub use crate::support::clock::{Clock, ManualClock, SystemClock};
pub(crate) use account::{
    AccountIdentity, MAX_ACCOUNT_NAME_CHARS, MAX_ACCOUNTS, account_name, is_same_name,
};
pub(crate) use accounts::{ConnectedAccount, Renamed};
pub(crate) use adopt::NewGrant;
pub(crate) use adopt_account::{AdoptError, WantedAccount};
pub(crate) use brief_wait::BriefWait;
pub(crate) use clients::{GrantClient, GrantClients};
pub use disconnect::DisconnectOutcome;
pub use key_error::KeyError;
pub use key_source::{KeySource, KeySourceError};
pub use master_key::MasterKey;
pub use memory::MemoryStore;
pub use model::{DeadReason, Grant, GrantKey, GrantState, Renewal, Revision, Stored};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
pub use records::{Namespace, Records};
pub use refresh::Grants;
pub use refresh::access::{Access, AccessError};
pub use refresh::policy::RefreshPolicy;
pub use refresh::renew::Renew;
pub use seal::Sealer;
pub use selected::Store;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, data_directory};
pub(crate) use store::MAX_PENDING;
pub use store::{GrantStore, HolderId, Lease};
pub use store_error::{SaveError, StoreError};
pub use unseal_error::UnsealError;
pub use watchers::Watch;
