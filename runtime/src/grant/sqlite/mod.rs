//! Store in an embedded SQLite database.

mod data_directory;
mod data_keys;
mod grants;
mod inventory;
mod key_file;
mod open;
mod pool;
mod records;
mod reseal;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::data_directory::data_directory;
use self::pool::{ConnectionPool, blocking};
use super::{
    inventory::relocation, key_source::KeySource, master_key::MasterKey, seal::Sealer,
    store_error::StoreError, watchers::Watchers,
};
use crate::support::clock::{Clock, SystemClock};

/// Options for opening a [`SqliteStore`].
pub struct SqliteOptions {
    directory: PathBuf,
    key: Option<MasterKey>,
    key_file: Option<PathBuf>,
    source: Option<Arc<dyn KeySource>>,
    clock: Arc<dyn Clock>,
    /// Whether it may be a database whose rows are in another one.
    is_relocated: bool,
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = &self.directory;
        f.debug_struct("SqliteOptions").field("directory", directory).finish_non_exhaustive()
    }
}

impl SqliteOptions {
    /// Opens the database also where its rows are in another one.
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn relocated(mut self) -> Self {
        self.is_relocated = true;
        self
    }

    /// Sets the master key. The default is that of [`MasterKey::from_env`], or else that of the
    /// [key file](Self::key_file).
    #[must_use]
    pub fn key(mut self, key: MasterKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the file with the master key, which is created at first start. It should not lie next to
    /// the database.
    ///
    /// The default is the credential `toolgate.key` of systemd (`$CREDENTIALS_DIRECTORY`), or else a
    /// file in the platform's directory for configuration: `$XDG_CONFIG_HOME/toolgate`, or
    /// `~/.config/toolgate`. Its name has that of the database's directory and a digest of its path. A
    /// file `key` next to the database, which earlier versions have made, is read with a warning.
    #[must_use]
    pub fn key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.key_file = Some(file.into());
        self
    }

    /// Sets the source that wraps the data keys, in place of a master key. A database that has a
    /// master key so far needs it until all is sealed again.
    #[must_use]
    pub fn key_source(mut self, source: impl KeySource) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn shared_key_source(mut self, source: Option<Arc<dyn KeySource>>) -> Self {
        self.source = source;
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
        let Self { directory, key, key_file, source, clock, is_relocated } = self;
        let (pool, sealer) = match source {
            Some(source) => {
                let place = blocking(move || open::prepare(directory, key_file)).await?;
                data_keys::open(place, key, source, Arc::clone(&clock)).await?
            }
            None => {
                blocking(move || {
                    let place = open::prepare(directory, key_file)?;
                    let (key, origin) = place.master_key(key)?;
                    let sealer = Sealer::new(&key);
                    Ok((open::open(&place, &sealer, origin, None)?, sealer))
                })
                .await?
            }
        };
        let store = SqliteStore { pool, sealer, clock, watchers: Watchers::default() };
        if !is_relocated {
            relocation::check_source(&store).await?;
        }
        Ok(store)
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
    watchers: Watchers,
}

impl SqliteStore {
    /// Creates options for a store in `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> SqliteOptions {
        let (directory, clock) = (directory.into(), Arc::new(SystemClock));
        SqliteOptions {
            directory,
            key: None,
            key_file: None,
            source: None,
            clock,
            is_relocated: false,
        }
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
