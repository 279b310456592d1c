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

pub(crate) mod adopt;
pub(crate) mod clients;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
pub(crate) mod disconnect;
pub(crate) mod master_key;
pub(crate) mod memory;
pub(crate) mod millis;
pub(crate) mod model;
#[cfg(feature = "sqlite")]
pub(crate) mod ownership;
pub(crate) mod record;
pub(crate) mod record_table;
pub(crate) mod records;
pub(crate) mod refresh;
pub(crate) mod seal;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod store;
pub(crate) mod store_error;

pub use crate::oauth::{TokenError, TokenResponse};
pub use crate::support::clock::{Clock, ManualClock, SystemClock};
pub(crate) use adopt::NewGrant;
pub(crate) use clients::{GrantClient, GrantClients};
pub use disconnect::DisconnectOutcome;
pub use master_key::{KeyError, MasterKey};
pub use memory::MemoryStore;
pub use model::{DeadReason, Grant, GrantKey, GrantState, Renewal, Revision, Stored};
pub use records::{Namespace, Records};
pub use refresh::Grants;
pub use refresh::access::{Access, AccessError};
pub use refresh::policy::RefreshPolicy;
pub use refresh::renew::Renew;
pub use seal::{Sealer, UnsealError};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore, data_directory};
pub(crate) use store::MAX_PENDING;
pub use store::{GrantStore, HolderId, Lease};
pub use store_error::{SaveError, StoreError};
