//! Store in an embedded SQLite database.

mod data_directory;
mod grants;
mod open;
mod pool;
mod records;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::data_directory::data_directory;
use self::pool::ConnectionPool;
use super::{master_key::MasterKey, seal::Sealer, store_error::StoreError};
use crate::support::clock::{Clock, SystemClock};

/// Options for opening a [`SqliteStore`].
#[derive(Debug)]
pub struct SqliteOptions {
    directory: PathBuf,
    key: Option<MasterKey>,
    clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// Sets the master key. The default is `TOOLGATE_KEY`, or else the file `key` in the directory,
    /// which is created at first start.
    #[must_use]
    pub fn key(mut self, key: MasterKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the clock for the expiry of leases and consents.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the database, or creates it.
    ///
    /// # Errors
    ///
    /// The key is missing or wrong, or the database is damaged, newer than this toolgate or another
    /// program's. Such a file is left as it is.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        let Self { directory, key, clock } = self;
        match tokio::task::spawn_blocking(move || open::open(&directory, key)).await {
            Ok(opened) => opened.map(|(pool, sealer)| SqliteStore { pool, sealer, clock }),
            Err(error) => Err(StoreError::unavailable("opening the database", error)),
        }
    }
}

/// A [`GrantStore`](super::GrantStore) in a SQLite database file, which several processes may share.
///
/// Tokens and consents are encrypted under the [`MasterKey`]. The file shows which user connected
/// which provider, and when a consent expires. Only its owner may read the directory (mode 0700) and
/// the files in it (0600).
///
/// ```
/// use toolgate::grant::{GrantKey, GrantStore, MasterKey, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let directory = temporary.path();
/// let store = SqliteStore::at(directory).key(MasterKey::generate()).open().await?;
/// assert!(store.load(&GrantKey::new("alice", "forge")).await?.is_none());
/// # store.close().await;
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    pool: ConnectionPool,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Creates options for a store in `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions { directory: directory.into(), key: None, clock: Arc::new(SystemClock) }
    }

    /// The path of the database file.
    pub fn path(&self) -> &Path {
        self.pool.path()
    }

    /// The sealer of the rows, for other state of the same server.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Closes the database once the work in progress is done. Dropping the store does so too.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}
