//! Small encrypted records with an expiry: the broker's state.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    model::{Revision, Stored},
    seal::Sealer,
    store_error::{SaveError, StoreError},
    watchers::Watch,
};

/// The longest value of a record.
pub(crate) const MAX_RECORD_BYTES: usize = 64 * 1024;

/// A kind of record, and how many of them there may be.
///
/// Anyone can cause records, and they must not fill the disk, so every namespace is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Namespace {
    pub(crate) name: &'static str,
    pub(crate) max_records: usize,
    pub(crate) evicts: bool,
    pub(crate) is_watched: bool,
}

impl Namespace {
    /// Creates the namespace `name` with at most `max_records` records that have not expired.
    pub const fn new(name: &'static str, max_records: usize) -> Self {
        Self { name, max_records, evicts: false, is_watched: false }
    }

    /// The same namespace, in which a new record takes the place of the one that expires first, where
    /// there is no room. Without this it is refused.
    #[must_use]
    pub const fn evicting(self) -> Self {
        Self { evicts: true, ..self }
    }

    /// The same namespace, whose changes wake those who [watch](Records::watch) its records.
    #[must_use]
    pub const fn watched(self) -> Self {
        Self { is_watched: true, ..self }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The most records that it may hold.
    pub const fn max_records(&self) -> usize {
        self.max_records
    }

    /// Whether a new record takes the place of the one that expires first, where there is no room.
    pub const fn evicts(&self) -> bool {
        self.evicts
    }

    /// Whether its changes wake those who watch its records.
    pub const fn is_watched(&self) -> bool {
        self.is_watched
    }
}

/// Records that expire, are replaced by compare-and-swap, and can be taken once.
///
/// All replicas of a server that share a store share its records, so that one of them only can
/// redeem a code. A key may be a secret, so a store that writes to disk stores its digest, and
/// encrypts the value with a [`Sealer`](super::Sealer).
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use toolgate::grant::{MemoryStore, Namespace, Records, Revision, SaveError};
///
/// const CODES: Namespace = Namespace::new("code", 100);
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let until = SystemTime::now() + Duration::from_secs(60);
/// let first = store.write(CODES, "abc", b"alice", until, Revision::ABSENT).await?;
/// store.write(CODES, "abc", b"bob", until, first).await?;
/// let again = store.write(CODES, "abc", b"carol", until, first).await;
/// assert!(matches!(again, Err(SaveError::Conflict)));
/// assert_eq!(store.take(CODES, "abc").await?.unwrap().as_slice(), b"bob");
/// assert!(store.take(CODES, "abc").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// Returns the sealer under the store's master key, which seals what leaves the server, such as
    /// registrations of clients. It is the same one after a restart, as far as the records are.
    fn sealer(&self) -> &Sealer;

    /// Returns the record, or `None` if there is none or it has expired.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError>;

    /// Writes the record if it still has the revision `expected`; [`Revision::ABSENT`] expects
    /// that there is none, or an expired one. Values are at most 64 KiB long.
    ///
    /// # Errors
    ///
    /// [`SaveError::Conflict`] if it has another revision; nothing is written then.
    /// [`StoreError::Full`] if the value is too long, or if the namespace is full and does not
    /// [evict](Namespace::evicts).
    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError>;

    /// Removes the record and returns it: of several callers one gets it.
    ///
    /// # Errors
    ///
    /// The store cannot be read or written.
    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Waits, from this call on, until the record may have changed. A wait may end without a change,
    /// so that its caller reads the record again; begin it before the record is read.
    ///
    /// In a namespace that is [watched](Namespace::watched), a store wakes the waiters of all its
    /// processes, as far as it can. Where it cannot, a wait ends after `poll_interval`, which is all
    /// that the default does.
    fn watch(&self, namespace: Namespace, key: &str, poll_interval: Duration) -> Watch {
        let _ = (namespace, key);
        Box::pin(tokio::time::sleep(poll_interval))
    }

    /// Whether processes on other machines use the same records. What only a shared store can keep,
    /// such as the proofs of possession that were used, is stored where this is `true`.
    fn is_shared(&self) -> bool {
        false
    }
}
