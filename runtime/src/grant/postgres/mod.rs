//! Store in a PostgreSQL database, which the replicas of a server share.

mod clocks;
mod connect;
mod data_keys;
mod database;
mod errors;
mod grants;
mod inventory;
mod listener;
mod migrations;
mod notes;
mod places;
mod records;
mod reseal;
mod settings;
mod tls;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
};

use secrecy::{ExposeSecret as _, SecretString};

use self::{
    clocks::Clocks, connect::Connector, database::Database, listener::Listener, settings::Settings,
};
use super::{
    inventory::relocation, key_error::KeyError, key_settings, key_source::KeySource,
    master_key::MasterKey, seal::Sealer, store_error::StoreError,
};
use crate::support::{
    background as task,
    clock::{Clock, SystemClock},
};

/// Options for opening a [`PostgresStore`].
pub struct PostgresOptions {
    url: SecretString,
    key: Option<MasterKey>,
    source: Option<Arc<dyn KeySource>>,
    clock: Option<Arc<dyn Clock>>,
    /// Whether it may be one that rows of another one are copied to.
    is_relocated: bool,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").finish_non_exhaustive()
    }
}

impl PostgresOptions {
    /// Opens the database also while rows of another one are copied to it.
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn relocated(mut self) -> Self {
        self.is_relocated = true;
        self
    }

    /// Sets the master key. The default is that of [`MasterKey::from_env`]. What previous keys have
    /// sealed is sealed again in the background.
    #[must_use]
    pub fn key(mut self, key: MasterKey) -> Self {
        self.key = Some(key);
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

    /// Sets the clock for the expiry of leases and records. The default, also in place of the system's,
    /// is the database's, on which all replicas agree.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Connects, and brings the schema to the current version. Any number of processes may do so at
    /// once.
    ///
    /// # Errors
    ///
    /// The URL is not one, the key is missing or wrong, the database cannot be reached, or a newer
    /// toolgate has migrated it.
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        let settings = Settings::parse(self.url.expose_secret())?;
        let (key, origin) = match self.key {
            Some(key) => (Some(key), "given by the program"),
            None => {
                key_settings::given().await?.map_or((None, ""), |(key, origin)| (Some(key), origin))
            }
        };
        let connector = Arc::new(Connector::new(&settings)?);
        let database = Arc::new(Database::new(&settings, Arc::clone(&connector))?);
        let sealer = if let Some(source) = self.source {
            let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
            data_keys::open(&database, source, clock, key).await?
        } else {
            let missing = || KeyError::Required { database: PathBuf::from(settings.name.clone()) };
            let sealer = Sealer::new(&key.ok_or_else(missing)?);
            migrations::migrate(&database, &sealer, origin, None).await?;
            sealer
        };
        if sealer.has_previous() {
            task::spawn(reseal::run(Arc::downgrade(&database), sealer.clone()));
        }
        let listener = Listener::new(connector);
        let inserts = AtomicU32::new(0);
        let clocks = Clocks::new(self.clock);
        clocks.ask(&database).await?;
        let store = PostgresStore { database, sealer, clocks, inserts, listener };
        if !self.is_relocated {
            relocation::check_target(&store).await?;
        }
        Ok(store)
    }
}

/// A [`GrantStore`](super::GrantStore) in a PostgreSQL database, for any number of replicas.
///
/// Tokens and records are encrypted under the [`MasterKey`], which is the same for all replicas. The
/// database shows which user connected which provider, and when records expire.
///
/// The URL is as libpq has it, such as
/// `postgres://toolgate:password@db.example/toolgate?sslmode=verify-full`. The tables, whose names
/// begin with `toolgate_`, are created in the first schema of the connection's `search_path`. These
/// parameters are toolgate's:
///
/// - `sslmode`: `require`, `verify-ca` and `verify-full` all verify the server's certificate and its
///   name; `disable` speaks plain text. The default is `verify-full`, and `disable` where the
///   database is on this machine.
/// - `sslrootcert`: a file of root certificates in PEM. The default are those of the system.
/// - `max_connections`: the most connections of this process, 10 by default.
///
/// ```no_run
/// use toolgate::grant::{GrantKey, GrantStore, PostgresStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::at("postgres://toolgate@localhost/toolgate").open().await?;
/// assert!(store.load(&GrantKey::new("alice", "forge")).await?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    database: Arc<Database>,
    sealer: Sealer,
    clocks: Clocks,
    /// How many records this process has inserted.
    inserts: AtomicU32,
    listener: Listener,
}

impl PostgresStore {
    /// Creates options for a store at `url`.
    pub fn at(url: impl Into<String>) -> PostgresOptions {
        let url = SecretString::from(url.into());
        PostgresOptions { url, key: None, source: None, clock: None, is_relocated: false }
    }

    /// The sealer of the rows, for other state of the same server.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Closes the connections once their statements are done. Dropping the store does so too.
    pub fn close(&self) {
        self.database.close();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("database", &self.database.name())
            .finish_non_exhaustive()
    }
}
