//! The promise of a store.

use std::{
    error::Error as StdError,
    fmt, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{Grant, GrantKey, KeyError, Records, Revision, Stored, UnsealError};
use crate::support::crypto;

/// Where grants lie, and the consents that are under way.
///
/// `None` always means "it is not there"; a store that cannot be read says [`Err`], because a
/// grant that cannot be read is not a grant that was revoked. Hold an implementation of your own
/// to `contract::holds` (feature `testing`), and seal what it writes
/// with a [`Sealer`](super::Sealer).
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
/// // Somebody else has written since `first` was read.
/// assert!(matches!(store.save(&key, &grant, first).await, Err(SaveError::Conflict)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait GrantStore: Send + Sync + 'static {
    /// The grant, or `None` where there never was one.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError>;

    /// Writes the grant if the row still has the revision `expected`, and returns its new one.
    /// [`Revision::ABSENT`] expects that there is no row.
    ///
    /// The write is durable when this returns. A revision does not come back, not even after the
    /// row was removed and made again.
    ///
    /// # Errors
    /// [`SaveError::Conflict`] when the row has another revision; nothing is written then.
    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError>;

    /// Removes the grant; that there is none is no error.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError>;

    /// The keys of the subject's grants, dead ones too, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError>;

    /// The right to renew the grant, for `term` at most; `None` while another holder has it.
    /// Whoever holds it may ask again and so prolong it.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Gives a lease back; one that has passed to another holder is left alone.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;

    /// Keeps the state of a consent under way, replacing what `id` had. Values are opaque and
    /// at most 64 KiB long.
    ///
    /// # Errors
    /// [`StoreError::Full`] when too many consents are open or the value is too long.
    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError>;

    /// Takes the value out: of any number of callers one gets it, once. `None` when it is not
    /// there or has expired.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The records beside the grants, if the store keeps any: a broker needs them.
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        None
    }

    /// Reads the value and leaves it. `None` when it is not there or has expired.
    ///
    /// # Errors
    /// When the store cannot tell.
    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// The longest value of a consent under way.
pub(crate) const PENDING_BYTES: usize = 64 * 1024;
/// The most consents under way; a page that strangers can open must not fill the disk.
pub(crate) const PENDING_ROWS: usize = 10_000;
/// No lease is longer, so one that ends later was written by a clock that has been set back.
pub(crate) const LONGEST_LEASE: Duration = Duration::from_mins(10);

/// Who holds a lease: one process's renewals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HolderId(pub [u8; 16]);

impl HolderId {
    /// A holder unlike any other.
    pub fn random() -> Self {
        let mut id = [0; 16];
        crypto::fill_random(&mut id);
        Self(id)
    }
}

/// The right to renew one grant, until it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The grant.
    pub key: GrantKey,
    /// Who holds it.
    pub holder: HolderId,
    /// When it ends by itself.
    pub expires_at: SystemTime,
}

impl Lease {
    /// A lease of `key` by `holder` until `expires_at`.
    pub fn new(key: GrantKey, holder: HolderId, expires_at: SystemTime) -> Self {
        Self { key, holder, expires_at }
    }
}

/// A store that cannot do what it was asked. Never "there is no grant".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store did not answer, or refused: a full disk, a lock held too long, a lost network.
    #[error("the grant store failed {doing}: {source}")]
    Unavailable {
        /// What was being done, as in "reading a grant".
        doing: String,
        /// The cause.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A file cannot be read or made.
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
    /// The file is a database of something else. It was left as it is.
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
    /// Nowhere to keep data: the platform names no home directory.
    #[error("no data directory: the platform names no home; set TOOLGATE_DATA to a directory")]
    NoHome,
    /// Too much of what strangers can write: consents that are open at once, or one too long.
    #[error("too many consents are under way, or one is too large; try again in some minutes")]
    Full,
}

impl StoreError {
    /// A store of your own failed at `doing`, as in "reading a grant".
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
    /// The row has another revision than the one expected; read it again.
    Conflict,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the grant was changed by somebody else meanwhile"),
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
