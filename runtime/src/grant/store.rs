//! The store trait, its leases and its errors.

use std::{
    error::Error as StdError,
    fmt, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{
    master_key::KeyError,
    model::{Grant, GrantKey, Revision, Stored},
    records::Records,
    seal::UnsealError,
};
use crate::support::crypto;

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
pub(crate) const MAX_PENDING: usize = 10_000;

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

/// A failure of a store. It never means that there is no grant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused: a full disk, a lock held too long, a lost connection.
    #[error("the grant store failed {doing}: {source}")]
    Unavailable {
        /// What was being done, as in "reading a grant".
        doing: String,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A file cannot be read or created.
    #[error("{doing} {} failed: {source}", path.display())]
    File {
        /// What was being done, as in "opening".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The database is damaged. It was left as it is.
    #[error(
        "the grant database {} is damaged ({detail}); it was left untouched. Restore it from a \
         backup, or move it away and connect the accounts again",
        path.display()
    )]
    Corrupted {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The database was written by a newer toolgate. It was left as it is.
    #[error(
        "the grant database {} has schema version {found}, and this toolgate knows up to \
         {known}; it was left untouched. Run the newer toolgate, or point TOOLGATE_DATA at \
         another directory",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The file is another program's database. It was left as it is.
    #[error(
        "{} is not a toolgate database; it was left untouched. Point TOOLGATE_DATA at another \
         directory",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// One row cannot be opened with the key that opens the others.
    #[error(
        "the stored {what} cannot be opened: {source}. If the database was edited or restored \
         in part, remove this grant and connect again"
    )]
    Sealed {
        /// What the row holds, as in "grant for forge".
        what: String,
        /// Why not.
        source: UnsealError,
    },
    /// The master key is missing or wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no directory for data: the platform names no home directory.
    #[error("no data directory: the platform names no home; set TOOLGATE_DATA to a directory")]
    NoHome,
    /// Too many consents or records, or one that is too long. Anyone can cause them, so they are
    /// bounded.
    #[error("too many consents are in progress, or one is too large; try again in a few minutes")]
    Full,
}

impl StoreError {
    /// Creates an error for your own store, which failed at `doing`, as in "reading a grant".
    pub fn unavailable(
        doing: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { doing: doing.into(), source: source.into() }
    }
}

/// Why a grant was not saved.
#[derive(Debug)]
pub enum SaveError {
    /// The row has another revision than expected; read it again.
    Conflict,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the grant was changed in the meantime"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl StdError for SaveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Conflict => None,
            Self::Store(error) => error.source(),
        }
    }
}

impl From<StoreError> for SaveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
