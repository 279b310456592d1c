//! The store trait and its leases.

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{
    model::{Grant, GrantKey, Revision, Stored},
    records::Records,
    store_error::{SaveError, StoreError},
};
use crate::support::{clock::Clock, crypto};

/// Stores grants and the state of consents in progress.
///
/// `None` always means that there is no value. A store that cannot be read returns [`Err`], because
/// a grant that cannot be read is not a grant that was revoked. Test your own implementation with
/// `contract::holds` (feature `testing`), and encrypt what it writes with a
/// [`Sealer`](super::Sealer).
///
/// ```
/// use std::sync::Arc;
/// use toolgate::grant::{Grant, GrantKey, GrantStore, MemoryStore, Revision, SaveError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let key = GrantKey::new("alice", "forge");
/// let grant = Grant::new("token", std::time::SystemTime::now());
///
/// let first = store.save(&key, &grant, Revision::ABSENT).await?;
/// store.save(&key, &grant, first).await?;
/// // The row was written since `first` was read.
/// assert!(matches!(store.save(&key, &grant, first).await, Err(SaveError::Conflict)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait GrantStore: Send + Sync + 'static {
    /// Returns the grant, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError>;

    /// Writes the grant if the row still has the revision `expected`, and returns the new revision.
    /// [`Revision::ABSENT`] expects that there is no row.
    ///
    /// The write is durable when this returns. A revision is never used again, even after the row
    /// was removed and created again.
    ///
    /// # Errors
    ///
    /// [`SaveError::Conflict`] if the row has another revision; nothing is written then.
    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError>;

    /// Removes the grant. It is no error if there is none.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError>;

    /// Returns the keys of the subject's grants, dead ones included, in order.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError>;

    /// Takes the right to renew the grant, for `term` at most, or returns `None` while another holder
    /// has it. Its holder may call this again to prolong it.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Releases a lease. One that has passed to another holder is left alone.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;

    /// Stores the state of a consent in progress, replacing the value of `id`. Values are opaque and
    /// at most 64 KiB long.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] if too many consents are open or the value is too long.
    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError>;

    /// Removes the value and returns it: of several callers one gets it. `None` if there is none or
    /// it has expired.
    ///
    /// # Errors
    ///
    /// The store cannot be read or written.
    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the store's [`Records`], if it has any. A broker needs them.
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        None
    }

    /// Returns the store if it is a [`MemoryStore`](super::MemoryStore), which a server hands over to
    /// the next program in development.
    #[doc(hidden)]
    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>> {
        None
    }

    /// Returns whether the schema of the store is that of this program, or of a newer one. The default
    /// is `true`.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    #[doc(hidden)]
    async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Returns the `Inventory` of a database, which those who administer it use.
    #[doc(hidden)]
    fn inventory(self: Arc<Self>) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    /// Returns the clock on which the processes that share the store agree, in place of the system's.
    #[doc(hidden)]
    fn shared_clock(&self) -> Option<Arc<dyn Clock>> {
        None
    }

    /// Returns the value and keeps it. `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The longest value of a consent in progress.
pub(crate) const MAX_PENDING_BYTES: usize = 64 * 1024;

/// The most consents in progress: anyone can start one, and they must not fill the disk.
pub(crate) const MAX_PENDING: usize = 25_000;

/// The longest lease. One that expires later was written before the clock was set back.
pub(crate) const MAX_LEASE_TTL: Duration = Duration::from_mins(10);

/// Identifies the holder of a lease: the renewals of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HolderId(pub [u8; 16]);

impl HolderId {
    /// Creates a unique holder.
    pub fn random() -> Self {
        let mut id = [0; 16];
        crypto::fill_random(&mut id);
        Self(id)
    }
}

/// The right to renew one grant, until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The grant.
    pub key: GrantKey,
    /// Its holder.
    pub holder: HolderId,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl Lease {
    /// Creates a lease of `key` by `holder` until `expires_at`.
    pub fn new(key: GrantKey, holder: HolderId, expires_at: SystemTime) -> Self {
        Self { key, holder, expires_at }
    }
}
