//! Grants in an embedded SQLite database, sealed.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Grant, GrantKey, GrantStore, Key, Revision, SaveError, Sealer, StoreError, Stored, key, seconds,
};
use crate::error::ConfigError;

/// The layout below; a file of a newer one is left alone.
const SCHEMA: u32 = 1;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS grants (
        subject TEXT NOT NULL,
        provider TEXT NOT NULL,
        revision INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (subject, provider)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pending (
        id TEXT PRIMARY KEY,
        sealed BLOB NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS key_check (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        sealed BLOB NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
";

/// Keeps grants in an SQLite database: several processes on one machine may share it.
///
/// The file is readable by its owner alone, and nothing secret in it is readable without the key.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    sealer: Sealer,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the database at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// The file is no such database, is of a newer version, was sealed with another key, or cannot
    /// be read. It is then left as it is.
    pub async fn open(path: impl Into<PathBuf>, key: &Key) -> Result<Self, ConfigError> {
        let path = path.into();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            key::make_folder(folder)?;
        }
        look(&path)?;
        let fault = |error: sqlx::Error| damaged(&path, &error.to_string());
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(fault)?;
        let check: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&pool).await.map_err(fault)?;
        if check != "ok" {
            return Err(damaged(&path, &check));
        }
        sqlx::raw_sql(TABLES).execute(&pool).await.map_err(fault)?;
        let store = Self { pool, sealer: key.0.clone(), path };
        store.check_key().await?;
        Ok(store)
    }

    /// Opens the database of the server `name` in its [`data_dir`](super::data_dir), with the key
    /// that [`Key::find`] finds there.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`] and [`Key::find`].
    pub async fn open_default(name: &str) -> Result<Self, ConfigError> {
        let folder = key::data_dir(name)?;
        let path = folder.join("grants.db");
        let key = Key::find(&folder, &path)?;
        Self::open(path, &key).await
    }

    /// The database was sealed with this key, or is new and remembers it from now on.
    async fn check_key(&self) -> Result<(), ConfigError> {
        let fault = |error: sqlx::Error| damaged(&self.path, &error.to_string());
        sqlx::query("INSERT OR IGNORE INTO key_check (only, sealed) VALUES (1, ?)")
            .bind(self.sealer.seal("key check", b"toolgate"))
            .execute(&self.pool)
            .await
            .map_err(fault)?;
        let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM key_check")
            .fetch_one(&self.pool)
            .await
            .map_err(fault)?;
        self.sealer.open("key check", &sealed).map(drop).map_err(|_| {
            ConfigError::new(format!("{} was sealed with another key", self.path.display())).help(
                "set `TOOLGATE_KEY` to the key that it was made with, or put that key's file back; nothing was changed",
            )
        })
    }

    fn unreadable(&self, what: &str) -> StoreError {
        StoreError::new(format!("{what} in {} cannot be opened", self.path.display()))
    }
}

/// Looks at the file before SQLite touches it.
fn look(path: &Path) -> Result<(), ConfigError> {
    let fault = |error: std::io::Error| ConfigError::new(format!("{}: {error}", path.display()));
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // SQLite would make it readable for everyone.
            key::private().create_new(true).open(path).map(drop).or_else(|error| {
                if error.kind() == std::io::ErrorKind::AlreadyExists {
                    Ok(())
                } else {
                    Err(fault(error))
                }
            })
        }
        Err(error) => Err(fault(error)),
        Ok(mut file) => {
            restrict(path).map_err(fault)?;
            let mut header = [0; 64];
            let mut read = 0;
            while read < header.len() {
                match file.read(&mut header[read..]).map_err(fault)? {
                    0 => break,
                    more => read += more,
                }
            }
            if read == 0 {
                return Ok(());
            }
            if read < header.len() || !header.starts_with(b"SQLite format 3\0") {
                return Err(damaged(path, "it is no SQLite database"));
            }
            let version = u32::from_be_bytes([header[60], header[61], header[62], header[63]]);
            if version > SCHEMA {
                return Err(ConfigError::new(format!(
                    "{} was written by a newer version of toolgate (layout {version}, this one knows {SCHEMA})",
                    path.display()
                ))
                .help("use that version, or another file; nothing was changed"));
            }
            Ok(())
        }
    }
}

#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(path: &Path) -> std::io::Result<()> {
    fs::metadata(path).map(drop)
}

fn damaged(path: &Path, why: &str) -> ConfigError {
    ConfigError::new(format!("{} cannot be used: {why}", path.display()))
        .help("restore it from a backup, or move it away: the users then connect again; nothing was changed")
}

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::new(error.to_string())
}

fn purpose(key: &GrantKey) -> String {
    // The length keeps `a` + `b c` apart from `a b` + `c`.
    format!("grant {} {} {}", key.subject.len(), key.subject, key.provider)
}

#[allow(clippy::cast_possible_wrap, reason = "a count of changes, and seconds, fit into 63 bits")]
fn signed(value: u64) -> i64 {
    value as i64
}

#[async_trait]
impl GrantStore for SqliteStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored>, StoreError> {
        let row =
            sqlx::query("SELECT revision, sealed FROM grants WHERE subject = ? AND provider = ?")
                .bind(&key.subject)
                .bind(&key.provider)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let revision: i64 = row.try_get("revision").map_err(failed)?;
        let sealed: Vec<u8> = row.try_get("sealed").map_err(failed)?;
        let plain = self.sealer.open(&purpose(key), &sealed);
        let grant = plain.ok().and_then(|plain| Grant::from_bytes(&plain));
        let grant = grant.ok_or_else(|| self.unreadable("a grant"))?;
        Ok(Some(Stored { grant, revision: revision.unsigned_abs() }))
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let sealed = self.sealer.seal(&purpose(key), &grant.to_bytes());
        let revision = expected + 1;
        let query = if expected == 0 {
            sqlx::query(
                "INSERT OR IGNORE INTO grants (revision, sealed, subject, provider) VALUES (?, ?, ?, ?)",
            )
        } else {
            sqlx::query(
                "UPDATE grants SET revision = ?, sealed = ? WHERE subject = ? AND provider = ? AND revision = ?",
            )
        };
        let query =
            query.bind(signed(revision)).bind(sealed).bind(&key.subject).bind(&key.provider);
        let query = if expected == 0 { query } else { query.bind(signed(expected)) };
        let done = query.execute(&self.pool).await.map_err(failed)?;
        if done.rows_affected() == 1 { Ok(revision) } else { Err(SaveError::Conflict) }
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM grants WHERE subject = ? AND provider = ?")
            .bind(&key.subject)
            .bind(&key.provider)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let providers: Vec<String> =
            sqlx::query_scalar("SELECT provider FROM grants WHERE subject = ? ORDER BY provider")
                .bind(subject)
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        Ok(providers.into_iter().map(|provider| GrantKey::new(subject, provider)).collect())
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO pending (id, sealed, expires_at) VALUES (?, ?, ?)")
            .bind(id)
            .bind(self.sealer.seal(&format!("pending {id}"), value))
            .bind(signed(seconds(expires_at)))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn take_pending(&self, id: &str, now: SystemTime) -> Result<Option<Vec<u8>>, StoreError> {
        let now = signed(seconds(now));
        let row = sqlx::query("DELETE FROM pending WHERE id = ? RETURNING sealed, expires_at")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        sqlx::query("DELETE FROM pending WHERE expires_at <= ?")
            .bind(now)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let expires_at: i64 = row.try_get("expires_at").map_err(failed)?;
        if expires_at <= now {
            return Ok(None);
        }
        let sealed: Vec<u8> = row.try_get("sealed").map_err(failed)?;
        let plain = self.sealer.open(&format!("pending {id}"), &sealed);
        plain.map(|plain| Some(plain.to_vec())).map_err(|_| self.unreadable("a consent"))
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}
