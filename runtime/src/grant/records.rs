//! Small sealed records beside the grants: what an authorization server has to remember.

use std::time::SystemTime;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{Revision, SaveError, StoreError, Stored};

/// The longest value of a record.
pub(crate) const RECORD_BYTES: usize = 64 * 1024;

/// A kind of record, and how many of it there may be.
///
/// What strangers can make must not fill the disk, so every namespace is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Namespace {
    pub(crate) name: &'static str,
    pub(crate) most: usize,
}

impl Namespace {
    /// The namespace `name` with at most `most` records that have not expired.
    pub const fn new(name: &'static str, most: usize) -> Self {
        Self { name, most }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How many records it may hold.
    pub const fn most(&self) -> usize {
        self.most
    }
}

/// Records that expire, are replaced by compare-and-swap, and can be taken once.
///
/// All replicas of a server that share a store see one set of records: that is what makes a code
/// good for one of them only. A key may be a secret, so a store that writes to disk keeps its
/// digest alone, and seals the value with a [`Sealer`](super::Sealer).
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
    /// The record, or `None` where there is none or it has expired.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError>;

    /// Writes the record if it still has the revision `expected`; [`Revision::ABSENT`] expects
    /// that there is none, or an expired one. Values are at most 64 KiB long.
    ///
    /// # Errors
    /// [`SaveError::Conflict`] when it has another revision; nothing is written then.
    /// [`StoreError::Full`] when the namespace is full or the value too long.
    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError>;

    /// Takes the record out: of any number of callers one gets it, once.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;
}
