//! Grants in an embedded database.

pub(crate) mod connections;
pub(crate) mod open;
pub(crate) mod records;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_lc_rs::digest;
use rusqlite::params;

use self::connections::{Connections, all};
use super::{
    Clock, Grant, GrantKey, GrantStore, HolderId, Lease, MasterKey, Records, Revision, SaveError,
    Sealer, StoreError, Stored, SystemClock,
    record::{from_millis, to_millis},
    store::{LONGEST_LEASE, PENDING_BYTES, PENDING_ROWS},
};
use crate::support::crypto;

/// The directory that a server's grants lie in: `TOOLGATE_DATA`, or one of the server's name in
/// the platform's data directory.
///
/// # Errors
/// [`StoreError::NoHome`] when neither is known.
pub fn data_directory(server: &str) -> Result<PathBuf, StoreError> {
    if let Some(directory) = std::env::var_os("TOOLGATE_DATA").filter(|value| !value.is_empty()) {
        return Ok(directory.into());
    }
    // The name becomes one path component, whatever it is.
    let name: String = server
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    let name = if name.is_empty() { "server".to_owned() } else { name };
    Ok(platform_data().ok_or(StoreError::NoHome)?.join(name))
}

/// Where the platform wants us to keep our data.
fn platform_data() -> Option<PathBuf> {
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    if cfg!(windows) {
        let roaming = std::env::var_os("APPDATA").map(PathBuf::from);
        let roaming = roaming.or_else(|| Some(home()?.join("AppData").join("Roaming")))?;
        return Some(roaming.join("toolgate").join("data"));
    }
    if cfg!(target_vendor = "apple") {
        return Some(home()?.join("Library/Application Support/toolgate"));
    }
    let given = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let given = given.filter(|given| given.is_absolute());
    Some(given.or_else(|| Some(home()?.join(".local/share")))?.join("toolgate"))
}

/// How a [`SqliteStore`] is opened.
#[derive(Debug)]
pub struct SqliteOptions {
    directory: PathBuf,
    key: Option<MasterKey>,
    clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// Sets the master key. Without it `TOOLGATE_KEY` is taken, or the file `key` in the
    /// directory, which is made at first start.
    #[must_use]
    pub fn key(mut self, key: MasterKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the clock by which leases and consents expire.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the database, or makes it.
    ///
    /// # Errors
    /// When the key is missing or wrong, or the database is damaged, newer than this toolgate or
    /// another program's; such a file is left as it is.
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        match tokio::task::spawn_blocking(|| open::open(self)).await {
            Ok(opened) => opened,
            Err(error) => Err(StoreError::unavailable("opening the database", error)),
        }
    }
}

/// A [`GrantStore`] in one embedded database file, which several processes may share.
///
/// Tokens and consents are sealed under the [`MasterKey`]; who connected which provider, and
/// when a consent ends, can be read in the file. The directory is made for its owner alone
/// (mode 0700), and so are the files in it (0600).
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
    connections: Connections,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Options for the store in `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions { directory: directory.into(), key: None, clock: Arc::new(SystemClock) }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.connections.path()
    }

    /// What seals the rows, for other state of the same server.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Closes the database, after what is under way. Dropping the store does so too.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Revisions start anywhere, so that a row made again does not repeat those of the one before.
fn first_revision() -> i64 {
    let mut bytes = [0; 8];
    crypto::fill_random(&mut bytes);
    signed((u64::from_be_bytes(bytes) >> 2) | 1)
}

/// An id may be a secret of the consent's, so the row has its digest.
fn row_id(id: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, id.as_bytes()).as_ref().to_vec()
}

#[async_trait]
impl GrantStore for SqliteStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        let of = key.clone();
        let rows = self.connections.run("reading a grant", move |connection| {
            let sql = "SELECT sealed, revision FROM grants WHERE subject = ? AND provider = ?";
            all(connection, sql, [of.subject, of.provider])
        });
        let rows: Vec<(Vec<u8>, i64)> = rows.await?;
        let Some((sealed, revision)) = rows.first() else { return Ok(None) };
        let value = self.sealer.open_grant(key, sealed).map_err(|source| StoreError::Sealed {
            what: format!("grant for {} in {}", key.provider, self.path().display()),
            source,
        })?;
        Ok(Some(Stored { value, revision: Revision(unsigned(*revision)) }))
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let (sealed, of) = (self.sealer.seal_grant(key, grant), key.clone());
        let (sql, revision) = if expected == Revision::ABSENT {
            let sql = "INSERT INTO grants (sealed, revision, subject, provider) \
                       VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING revision";
            (sql, first_revision())
        } else {
            let sql = "UPDATE grants SET sealed = ?1, revision = revision + 1 \
                       WHERE revision = ?2 AND subject = ?3 AND provider = ?4 RETURNING revision";
            (sql, signed(expected.0))
        };
        let rows = self.connections.run("writing a grant", move |connection| {
            all(connection, sql, params![sealed, revision, of.subject, of.provider])
        });
        let rows: Vec<(i64,)> = rows.await?;
        let (revision,) = rows.first().ok_or(SaveError::Conflict)?;
        Ok(Revision(unsigned(*revision)))
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        let of = key.clone();
        let removed = self.connections.run("removing a grant", move |connection| {
            let sql = "DELETE FROM grants WHERE subject = ? AND provider = ?";
            connection.execute(sql, [of.subject, of.provider])
        });
        removed.await.map(drop)
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let of = subject.to_owned();
        let rows = self.connections.run("listing grants", move |connection| {
            let sql = "SELECT provider FROM grants WHERE subject = ? ORDER BY provider";
            all(connection, sql, [of])
        });
        let rows: Vec<(String,)> = rows.await?;
        Ok(rows.into_iter().map(|(provider,)| GrantKey::new(subject, provider)).collect())
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let now = self.clock.now();
        let expires_at = now + term.min(LONGEST_LEASE);
        let of = key.clone();
        let taken = self.connections.run("taking a lease", move |connection| {
            let sql = "INSERT INTO leases (subject, provider, holder, expires_at) \
                       VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT DO UPDATE SET holder = ?3, expires_at = ?4 \
                       WHERE holder = ?3 OR leases.expires_at <= ?5 OR leases.expires_at > ?6";
            let [until, now, longest] =
                [expires_at, now, now + LONGEST_LEASE].map(|time| signed(to_millis(time)));
            connection.execute(sql, params![of.subject, of.provider, holder.0, until, now, longest])
        });
        let lease = || Lease::new(key.clone(), holder, from_millis(to_millis(expires_at)));
        Ok((taken.await? == 1).then(lease))
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let released = self.connections.run("giving a lease back", move |connection| {
            let sql = "DELETE FROM leases WHERE subject = ? AND provider = ? AND holder = ?";
            connection.execute(sql, params![lease.key.subject, lease.key.provider, lease.holder.0])
        });
        released.await.map(drop)
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        if value.len() > PENDING_BYTES {
            return Err(StoreError::Full);
        }
        let (row, sealed) = (row_id(id), self.sealer.seal("pending", &[id], value));
        let now = signed(to_millis(self.clock.now()));
        let put = self.connections.run("keeping a consent", move |connection| {
            connection.execute("DELETE FROM pending WHERE expires_at <= ?", [now])?;
            let sql = "INSERT INTO pending (id, sealed, expires_at) SELECT ?1, ?2, ?3 \
                       WHERE (SELECT count(*) FROM pending WHERE id <> ?1) < ?4 \
                       ON CONFLICT (id) DO UPDATE SET sealed = ?2, expires_at = ?3";
            let (until, most) = (signed(to_millis(expires_at)), signed(PENDING_ROWS as u64));
            connection.execute(sql, params![row, sealed, until, most])
        });
        if put.await? == 0 { Err(StoreError::Full) } else { Ok(()) }
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = row_id(id);
        let rows = self.connections.run("taking a consent", move |connection| {
            let sql = "DELETE FROM pending WHERE id = ? RETURNING sealed, expires_at";
            all(connection, sql, [row])
        });
        self.pending(id, rows.await?.first())
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = row_id(id);
        let rows = self.connections.run("reading a consent", move |connection| {
            all(connection, "SELECT sealed, expires_at FROM pending WHERE id = ?", [row])
        });
        self.pending(id, rows.await?.first())
    }
}

impl SqliteStore {
    fn pending(
        &self,
        id: &str,
        row: Option<&(Vec<u8>, i64)>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((sealed, until)) = row else { return Ok(None) };
        if from_millis(unsigned(*until)) <= self.clock.now() {
            return Ok(None);
        }
        let value = self.sealer.open("pending", &[id], sealed).map_err(|source| {
            StoreError::Sealed { what: format!("consent in {}", self.path().display()), source }
        })?;
        Ok(Some(value.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::grant::{KeyError, ManualClock, contract};

    fn key() -> GrantKey {
        GrantKey::new("alice", "forge")
    }

    async fn open(dir: &TempDir, master: &MasterKey) -> Result<SqliteStore, StoreError> {
        SqliteStore::at(dir.path()).key(master.clone()).open().await
    }

    /// A closed database with one grant in it.
    async fn made(master: &MasterKey) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, master).await.unwrap();
        let grant = Grant::new("access-secret", SystemTime::now()).refresh_token("refresh-secret");
        store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
        store.close().await;
        let path = store.path().to_owned();
        (dir, path)
    }

    /// Runs SQL on the file as another program would.
    fn edit(path: &Path, sql: &str) {
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn holds_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new());
        let store = SqliteStore::at(dir.path())
            .key(MasterKey::generate())
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        contract::holds(&store, &clock).await;
        contract::records_hold(&store, &clock).await;
        store.close().await;
    }

    #[tokio::test]
    async fn grants_outlive_the_process() {
        let master = MasterKey::generate();
        let (dir, _) = made(&master).await;
        let store = open(&dir, &master).await.unwrap();
        assert!(store.load(&key()).await.unwrap().is_some());
        store.close().await;
    }

    #[tokio::test]
    async fn nothing_readable_is_on_disk() {
        let master = MasterKey::generate();
        let (dir, _) = made(&master).await;
        let store = open(&dir, &master).await.unwrap();
        let until = SystemTime::now() + Duration::from_mins(1);
        store.put_pending("id-secret", b"verifier-secret", until).await.unwrap();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"secret"));
        }
        store.close().await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("data");
        let store = SqliteStore::at(&inner).key(MasterKey::generate()).open().await.unwrap();
        store.list("alice").await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        let files: Vec<_> =
            fs::read_dir(&inner).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        store.close().await;
    }

    #[tokio::test]
    async fn a_wrong_key_overwrites_nothing() {
        let (dir, path) = made(&MasterKey::generate()).await;
        let before = fs::read(&path).unwrap();
        let error = open(&dir, &MasterKey::generate()).await.unwrap_err();
        assert!(matches!(error, StoreError::Key(KeyError::Wrong { .. })), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_newer_database_is_left_alone() {
        let master = MasterKey::generate();
        let (dir, path) = made(&master).await;
        edit(&path, "PRAGMA user_version = 3");
        let before = fs::read(&path).unwrap();
        let error = open(&dir, &master).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 3, known: 2, .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn an_older_database_is_extended() {
        use crate::grant::{Namespace, Records};
        let master = MasterKey::generate();
        let (dir, path) = made(&master).await;
        edit(&path, "DROP TABLE records");
        edit(&path, "PRAGMA user_version = 1");
        let store = open(&dir, &master).await.unwrap();
        assert!(store.load(&key()).await.unwrap().is_some(), "its grants are kept");
        let space = Namespace::new("test", 1);
        let until = SystemTime::now() + Duration::from_mins(1);
        store.write(space, "id-secret", b"v-secret", until, Revision::ABSENT).await.unwrap();
        assert_eq!(store.take(space, "id-secret").await.unwrap().unwrap().as_slice(), b"v-secret");
        store.close().await;
    }

    #[tokio::test]
    async fn a_damaged_database_is_left_alone() {
        let master = MasterKey::generate();
        // What is overwritten, and with what: the magic, and the pages after the first.
        for (from, byte) in [(0, b'x'), (4096, 0xff)] {
            let (dir, path) = made(&master).await;
            let mut bytes = fs::read(&path).unwrap();
            bytes[from..].fill(byte);
            fs::write(&path, &bytes).unwrap();
            let error = open(&dir, &master).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupted { .. }), "at {from}: {error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "at {from}");
        }
    }

    #[tokio::test]
    async fn a_cut_off_database_is_left_alone() {
        let master = MasterKey::generate();
        let (dir, path) = made(&master).await;
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..5000]).unwrap();
        let error = open(&dir, &master).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupted { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes[..5000]);
    }

    #[tokio::test]
    async fn another_programs_database_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grants.db");
        fs::write(&path, "").unwrap();
        edit(&path, "CREATE TABLE theirs (x)");
        let before = fs::read(&path).unwrap();
        let error = open(&dir, &MasterKey::generate()).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_row_moved_to_another_subject_does_not_open() {
        let master = MasterKey::generate();
        let (dir, path) = made(&master).await;
        edit(&path, "UPDATE grants SET subject = 'mallory'");
        let store = open(&dir, &master).await.unwrap();
        let error = store.load(&GrantKey::new("mallory", "forge")).await.unwrap_err();
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
        store.close().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn first_starts_at_one_moment_share_one_database() {
        let dir = tempfile::tempdir().unwrap();
        let master = MasterKey::generate();
        let starts = (0..6).map(|_| {
            let options = SqliteStore::at(dir.path()).key(master.clone());
            tokio::spawn(options.open())
        });
        for store in futures::future::join_all(starts).await {
            let store = store.unwrap().unwrap();
            assert!(store.load(&key()).await.unwrap().is_none());
            store.close().await;
        }
    }
}
