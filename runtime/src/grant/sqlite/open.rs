//! Opening of the database. A file that is another program's or cannot be read is not touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::{
    data_directory::create_directory,
    key_file,
    pool::{ConnectionPool, failed},
    reseal::reseal,
};
use crate::{
    grant::{
        inventory::notes::KEY_CHECK_VALUE, key_error::KeyError, key_settings,
        master_key::MasterKey, ownership::Ownership, seal::Sealer, store_error::StoreError,
    },
    support::crash_point::crash_point,
};

const SCHEMA_VERSION: i64 = 3;
/// "tgat", in the header of every database of toolgate.
const APPLICATION_ID: i64 = 0x7467_6174;

/// How long a connection waits for the lock of another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the switch to WAL is tried, and the wait between two tries.
const MAX_WAL_TRIES: u32 = 100;
const WAL_RETRY_WAIT: Duration = Duration::from_millis(20);

/// The tables of version 1.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE grants (subject TEXT NOT NULL, provider TEXT NOT NULL, \
     revision INTEGER NOT NULL, sealed BLOB NOT NULL, \
     PRIMARY KEY (subject, provider)) STRICT, WITHOUT ROWID",
    "CREATE TABLE leases (subject TEXT NOT NULL, provider TEXT NOT NULL, holder BLOB NOT NULL, \
     expires_at INTEGER NOT NULL, PRIMARY KEY (subject, provider)) STRICT, WITHOUT ROWID",
    "CREATE TABLE pending (id BLOB PRIMARY KEY, sealed BLOB NOT NULL, \
     expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

/// The tables that version 2 adds.
const RECORDS: [&str; 2] = [
    "CREATE TABLE records (namespace TEXT NOT NULL, id BLOB NOT NULL, sealed BLOB NOT NULL, \
     expires_at INTEGER NOT NULL, revision INTEGER NOT NULL, \
     PRIMARY KEY (namespace, id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX records_by_end ON records (expires_at)",
];

/// What version 3 adds: the number of records, which no query has to count, and their order.
const RECORD_COUNTS: [&str; 6] = [
    "CREATE TABLE record_counts (namespace TEXT PRIMARY KEY, records INTEGER NOT NULL) \
     STRICT, WITHOUT ROWID",
    "INSERT INTO record_counts SELECT namespace, count(*) FROM records GROUP BY namespace",
    "CREATE TRIGGER record_added AFTER INSERT ON records BEGIN \
     UPDATE record_counts SET records = records + 1 WHERE namespace = NEW.namespace; \
     INSERT INTO record_counts SELECT NEW.namespace, 1 WHERE NOT EXISTS \
     (SELECT 1 FROM record_counts WHERE namespace = NEW.namespace); END",
    "CREATE TRIGGER record_removed AFTER DELETE ON records BEGIN \
     UPDATE record_counts SET records = records - 1 WHERE namespace = OLD.namespace; END",
    "CREATE INDEX records_of_namespace_by_end ON records (namespace, expires_at)",
    "CREATE INDEX pending_by_end ON pending (expires_at)",
];

/// A directory that may be used, its database, and where its key is.
pub(super) struct Place {
    directory: PathBuf,
    pub(super) database: PathBuf,
    key_file: Option<PathBuf>,
}

/// Creates the directory and checks what is in it. Blocks on the disk.
pub(super) fn prepare(directory: PathBuf, key_file: Option<PathBuf>) -> Result<Place, StoreError> {
    create_directory(&directory)?;
    let (database, former_key) = (directory.join("grants.db"), directory.join("key"));
    Ownership::of(&directory)?.check(&directory, [&database, &former_key])?;
    check_header(&database)?;
    Ok(Place { directory, database, key_file })
}

impl Place {
    /// The master key of the database, and where it comes from.
    pub(super) fn master_key(
        &self,
        given: Option<MasterKey>,
    ) -> Result<(MasterKey, String), StoreError> {
        if let Some(key) = given {
            return Ok((key, "given by the program".to_owned()));
        }
        let folder = || key_file::folder(&self.directory);
        if let Some((key, origin)) = key_settings::read_or_create(&self.database, folder)? {
            return Ok((key, origin.to_owned()));
        }
        key_file::master_key(&self.directory, &self.database, self.key_file.clone())
    }

    /// The master key that the database may have had before it had a key source.
    pub(super) fn former_key(
        &self,
        given: Option<MasterKey>,
    ) -> Result<Option<MasterKey>, StoreError> {
        match given {
            None if !key_file::exists(&self.directory, self.key_file.as_deref()) => {
                Ok(MasterKey::from_env()?)
            }
            given => self.master_key(given).map(|(key, _)| Some(key)),
        }
    }
}

/// Opens the database, or creates it with the row of its first data key. Blocks on the disk.
pub(super) fn open(
    place: &Place,
    sealer: &Sealer,
    origin: String,
    data_key: Option<(String, Vec<u8>)>,
) -> Result<ConnectionPool, StoreError> {
    let path = place.database.clone();
    let check = Inspection { path: &path, sealer, origin, data_key };

    create_file(&path)?;
    close_to_others(&path)?;
    if check.inspect()? != State::Current {
        check.initialise()?;
    }
    if sealer.has_previous() {
        connect(&path)
            .and_then(|mut connection| reseal(&mut connection, sealer))
            .map_err(|error| failed(&path, "sealing the grants again", error))?;
    }
    ConnectionPool::new(path.clone(), connect)
        .map_err(|error| failed(&path, "opening the database", error))
}

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    connect_as(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn connect_as(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A new refresh token must survive a power failure.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")?;
    Ok(connection)
}

/// Creates the file before the driver does, for its owner only. The driver's other files take its
/// mode.
fn create_file(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(file("creating", path, error))
        }
        _ => Ok(()),
    }
}

/// Takes the rights of others at a database away that was restored or copied with them.
fn close_to_others(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let failed = |source| file("reading the mode of", path, source);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(target: "toolgate::grant", path = %path.display(), "others could read the database; only its owner can now");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
                .map_err(|source| file("setting the mode of", path, source))?;
        }
    }
    Ok(())
}

fn file(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { doing, path: path.to_owned(), source }
}

/// Refuses a file that is not a database before the driver opens it.
fn check_header(path: &Path) -> Result<(), StoreError> {
    use std::io::Read as _;
    let mut header = Vec::new();
    match fs::File::open(path) {
        Ok(opened) => opened
            .take(16)
            .read_to_end(&mut header)
            .map_err(|source| file("reading", path, source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(file("opening", path, error)),
    };
    if header.is_empty() || header == b"SQLite format 3\0" {
        Ok(())
    } else {
        let detail = "it does not begin as a database does".to_owned();
        Err(StoreError::Corrupted { path: path.to_owned(), detail })
    }
}

/// The state of a database that may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    /// Of this older version, undamaged, and created with this key.
    Older(i64),
    /// Of the current version, undamaged, and created with this key.
    Current,
}

struct Inspection<'a> {
    path: &'a Path,
    sealer: &'a Sealer,
    /// Where the key comes from, for errors.
    origin: String,
    /// The row of the data key that a new database begins with.
    data_key: Option<(String, Vec<u8>)>,
}

impl Inspection<'_> {
    /// Inspects the database through a connection that cannot write.
    fn inspect(&self) -> Result<State, StoreError> {
        let wrong = |error| failed(self.path, "opening the database", error);
        let mut connection =
            connect_as(self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(wrong)?;
        // One snapshot: another process may be creating the schema at this moment.
        let transaction = connection.transaction().map_err(wrong)?;
        let state = self.state(&transaction, true);
        drop(transaction);
        let closed = connection.close().map_err(|(_, error)| wrong(error));
        // The inspection's error is the more useful one.
        state.and_then(|state| closed.map(|()| state))
    }

    fn state(&self, connection: &Connection, thoroughly: bool) -> Result<State, StoreError> {
        let wrong = |error| failed(self.path, "opening the database", error);
        let number = |sql| connection.query_row(sql, [], |row| row.get(0)).map_err(wrong);
        let path = || PathBuf::from(self.path);
        let version: i64 = number("PRAGMA user_version")?;
        let application: i64 = number("PRAGMA application_id")?;
        if application != APPLICATION_ID {
            let tables: i64 = number("SELECT count(*) FROM sqlite_schema")?;
            return if (application, version, tables) == (0, 0, 0) {
                Ok(State::Empty)
            } else {
                Err(StoreError::Foreign { path: path() })
            };
        }
        if version > SCHEMA_VERSION {
            return Err(StoreError::Newer { path: path(), found: version, known: SCHEMA_VERSION });
        }
        if thoroughly {
            let verdict: String = connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .map_err(wrong)?;
            if verdict != "ok" {
                return Err(StoreError::Corrupted { path: path(), detail: verdict });
            }
        }
        let sql = "SELECT value FROM meta WHERE name = ?";
        let value = connection.query_row(sql, [KEY_CHECK_VALUE], |row| row.get(0)).optional();
        let Some(value): Option<Vec<u8>> = value.map_err(wrong)? else {
            let detail = "its key check value is missing".to_owned();
            return Err(StoreError::Corrupted { path: path(), detail });
        };
        if self.sealer.recognise(&value).is_some() {
            Ok(if version == SCHEMA_VERSION { State::Current } else { State::Older(version) })
        } else {
            let origin = self.origin.clone();
            Err(KeyError::Wrong { origin, database: path() }.into())
        }
    }

    /// Creates the schema, or what an older one lacks, in one transaction, unless another process has
    /// just done so.
    fn initialise(&self) -> Result<(), StoreError> {
        let wrong = |error| failed(self.path, "creating the database", error);
        let mut connection = connect(self.path).map_err(wrong)?;
        // The busy timeout does not apply to the switch to WAL.
        let mut tries = 0;
        while let Err(error) = connection.execute_batch("PRAGMA journal_mode = WAL") {
            tries += 1;
            if tries == MAX_WAL_TRIES {
                return Err(wrong(error));
            }
            std::thread::sleep(WAL_RETRY_WAIT);
        }
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
        let found = self.state(&transaction, false)?;
        let run = |sql: &str| transaction.execute_batch(sql).map_err(wrong);
        if found == State::Empty {
            SCHEMA.into_iter().try_for_each(run)?;
            let note = (KEY_CHECK_VALUE, &self.sealer.check_value()[..]);
            let data_key = self.data_key.as_ref().map(|(name, value)| (&name[..], &value[..]));
            for row in [note].into_iter().chain(data_key) {
                let sql = "INSERT INTO meta (name, value) VALUES (?, ?)";
                transaction.execute(sql, row).map_err(wrong)?;
            }
        }
        crash_point("migration.created");
        if matches!(found, State::Empty | State::Older(1)) {
            RECORDS.into_iter().try_for_each(run)?;
        }
        if found != State::Current {
            // `APPLICATION_ID` and `SCHEMA_VERSION`, because a pragma takes no parameters.
            let pragmas = ["PRAGMA application_id = 0x74676174", "PRAGMA user_version = 3"];
            RECORD_COUNTS.into_iter().chain(pragmas).try_for_each(run)?;
        }
        crash_point("migration.committing");
        transaction.commit().map_err(wrong)?;
        crash_point("migration.committed");
        connection.close().map_err(|(_, error)| wrong(error))
    }
}
