//! Opening of the database. A file that is another program's or cannot be read is not touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::pool::{ConnectionPool, failed};
use crate::grant::{
    master_key::{KeyError, MasterKey},
    ownership::Ownership,
    seal::Sealer,
    store_error::StoreError,
};
use crate::support::crypto;

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

/// Opens the database in `directory`, or creates it. Blocks on the disk.
pub(crate) fn open(
    directory: &Path,
    key: Option<MasterKey>,
) -> Result<(ConnectionPool, Sealer), StoreError> {
    create_directory(directory)?;
    let path = directory.join("grants.db");
    let key_file = directory.join("key");
    Ownership::of(directory)?.check(directory, [&path, &key_file])?;
    check_header(&path)?;
    let (key, origin) = if let Some(key) = key {
        (key, "given by the program".to_owned())
    } else if let Some(key) = MasterKey::from_env()? {
        (key, "TOOLGATE_KEY".to_owned())
    } else {
        (MasterKey::from_file(&key_file, &path)?, key_file.display().to_string())
    };
    let sealer = Sealer::new(&key);
    let check = Inspection { path: &path, value: sealer.check_value(), origin };

    create_file(&path)?;
    close_to_others(&path)?;
    if check.inspect()? != State::Current {
        check.initialise()?;
    }
    let pool = ConnectionPool::new(path.clone(), connect)
        .map_err(|error| failed(&path, "opening the database", error))?;
    Ok((pool, sealer))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    connect_as(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn connect_as(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A new refresh token must survive a power failure.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")?;
    Ok(connection)
}

fn create_directory(directory: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory).map_err(|source| file("creating the directory", directory, source))
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
    /// The key's check value.
    value: [u8; 32],
    /// Where the key comes from, for errors.
    origin: String,
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
        let sql = "SELECT value FROM meta WHERE name = 'key check value'";
        let value = connection.query_row(sql, [], |row| row.get(0)).optional();
        let Some(value): Option<Vec<u8>> = value.map_err(wrong)? else {
            let detail = "its key check value is missing".to_owned();
            return Err(StoreError::Corrupted { path: path(), detail });
        };
        if crypto::constant_time_eq(&value, self.value) {
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
            let sql = "INSERT INTO meta (name, value) VALUES ('key check value', ?)";
            transaction.execute(sql, [self.value]).map_err(wrong)?;
        }
        if matches!(found, State::Empty | State::Older(1)) {
            RECORDS.into_iter().try_for_each(run)?;
        }
        if found != State::Current {
            // `APPLICATION_ID` and `SCHEMA_VERSION`, because a pragma takes no parameters.
            let pragmas = ["PRAGMA application_id = 0x74676174", "PRAGMA user_version = 3"];
            RECORD_COUNTS.into_iter().chain(pragmas).try_for_each(run)?;
        }
        transaction.commit().map_err(wrong)?;
        connection.close().map_err(|(_, error)| wrong(error))
    }
}
