//! Tests of the database on disk.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::*;
use crate::grant::{
    Grant, GrantKey, GrantStore, KeyError, ManualClock, Namespace, Records, Revision, contract,
};

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

async fn open(dir: &TempDir, master: &MasterKey) -> Result<SqliteStore, StoreError> {
    SqliteStore::at(dir.path()).key(master.clone()).open().await
}

/// A closed database with one grant in it.
async fn created(master: &MasterKey) -> (TempDir, PathBuf) {
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
async fn keeps_the_contract() {
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
    let (dir, _) = created(&master).await;
    let store = open(&dir, &master).await.unwrap();
    assert!(store.load(&key()).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn no_secret_is_on_disk() {
    let master = MasterKey::generate();
    let (dir, _) = created(&master).await;
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
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("data");
    let store = SqliteStore::at(&inner).key(MasterKey::generate()).open().await.unwrap();
    store.list("alice").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    let files: Vec<_> = fs::read_dir(&inner).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    store.close().await;
}

#[tokio::test]
async fn a_wrong_key_overwrites_nothing() {
    let (dir, path) = created(&MasterKey::generate()).await;
    let before = fs::read(&path).unwrap();
    let error = open(&dir, &MasterKey::generate()).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Wrong { .. })), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let master = MasterKey::generate();
    let (dir, path) = created(&master).await;
    edit(&path, "PRAGMA user_version = 4");
    let before = fs::read(&path).unwrap();
    let error = open(&dir, &master).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 4, known: 3, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn an_older_database_is_extended() {
    let second = "DROP TRIGGER record_added; DROP TRIGGER record_removed; \
                  DROP INDEX records_of_namespace_by_end; DROP INDEX pending_by_end; \
                  DROP TABLE record_counts";
    let first = "DROP TABLE records; DROP TABLE record_counts; DROP INDEX pending_by_end";
    let space = Namespace::new("test", 2);
    let until = SystemTime::now() + Duration::from_mins(1);
    for (version, undo, has_records) in [(1, first, false), (2, second, true)] {
        let master = MasterKey::generate();
        let (dir, path) = created(&master).await;
        let store = open(&dir, &master).await.unwrap();
        store.write(space, "before", b"value", until, Revision::ABSENT).await.unwrap();
        store.close().await;
        edit(&path, undo);
        edit(&path, &format!("PRAGMA user_version = {version}"));
        let store = open(&dir, &master).await.unwrap();
        assert!(store.load(&key()).await.unwrap().is_some(), "its grants are kept");
        let before = store.read(space, "before").await.unwrap();
        assert_eq!(before.is_some(), has_records, "version {version}");
        for at in 0..3 {
            let id = format!("after-{at}");
            let written = store.write(space, &id, b"value", until, Revision::ABSENT).await;
            let fits = at + usize::from(has_records) < 2;
            assert_eq!(written.is_ok(), fits, "version {version}: {written:?}");
        }
        assert_eq!(store.take(space, "after-0").await.unwrap().unwrap().as_slice(), b"value");
        store.write(space, "again", b"value", until, Revision::ABSENT).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn grants_are_sealed_again_when_the_key_has_changed() {
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let (dir, path) = created(&old).await;
    let until = SystemTime::now() + Duration::from_mins(1);
    let store = open(&dir, &old.clone().or_previous(new.clone())).await.unwrap();
    store.put_pending("state", b"verifier", until).await.unwrap();
    let revision = store.load(&key()).await.unwrap().unwrap().revision;
    store.close().await;
    for round in 0..2 {
        let store = open(&dir, &new.clone().or_previous(old.clone())).await.unwrap();
        let found = store.load(&key()).await.unwrap().unwrap();
        assert_eq!(found.revision, revision, "round {round}");
        assert_eq!(store.peek_pending("state").await.unwrap().unwrap(), b"verifier");
        store.close().await;
    }
    let store = open(&dir, &new).await.unwrap();
    assert!(store.load(&key()).await.unwrap().is_some(), "without the old key");
    let pending = store.peek_pending("state").await.unwrap_err();
    assert!(matches!(pending, StoreError::Sealed { .. }), "{pending}");
    store.close().await;
    let before = fs::read(&path).unwrap();
    assert!(matches!(open(&dir, &old).await, Err(StoreError::Key(KeyError::Wrong { .. }))));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_is_left_alone() {
    let master = MasterKey::generate();
    // What is overwritten, and with what: the magic, and the pages after the first.
    for (from, byte) in [(0, b'x'), (4096, 0xff)] {
        let (dir, path) = created(&master).await;
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
async fn a_truncated_database_is_left_alone() {
    let master = MasterKey::generate();
    let (dir, path) = created(&master).await;
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
    let (dir, path) = created(&master).await;
    edit(&path, "UPDATE grants SET subject = 'mallory'");
    let store = open(&dir, &master).await.unwrap();
    let error = store.load(&GrantKey::new("mallory", "forge")).await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    store.close().await;
}

#[tokio::test]
async fn a_row_that_was_made_to_last_longer_does_not_open() {
    let master = MasterKey::generate();
    let (dir, path) = created(&master).await;
    let store = open(&dir, &master).await.unwrap();
    let space = Namespace::new("test", 2);
    let until = SystemTime::now() + Duration::from_mins(1);
    store.write(space, "code", b"alice", until, Revision::ABSENT).await.unwrap();
    store.put_pending("state", b"alice", until).await.unwrap();
    assert!(store.read(space, "code").await.unwrap().is_some());
    assert!(store.peek_pending("state").await.unwrap().is_some());
    edit(&path, "UPDATE records SET expires_at = expires_at + 1000");
    edit(&path, "UPDATE pending SET expires_at = expires_at + 1000");
    for error in [
        store.read(space, "code").await.unwrap_err(),
        store.peek_pending("state").await.unwrap_err(),
        store.take_pending("state").await.unwrap_err(),
        store.take(space, "code").await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    }
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_others_could_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let master = MasterKey::generate();
    let (dir, path) = created(&master).await;
    for mode in [0o644, 0o660, 0o606] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        open(&dir, &master).await.unwrap().close().await;
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, 0o600, "from {mode:o}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_anyone_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let master = MasterKey::generate();
    let (dir, _) = created(&master).await;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = open(&dir, &master).await.unwrap_err();
    assert!(error.to_string().contains("chmod o-w"), "{error}");
    // What is another user's there is refused one by one.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    open(&dir, &master).await.unwrap().close().await;
}

/// Only root can give a file away, so this proves nothing for other users.
#[cfg(unix)]
#[tokio::test]
async fn what_another_user_put_there_is_refused() {
    use std::os::unix::fs::chown;
    let dir = tempfile::tempdir().unwrap();
    let open = || SqliteStore::at(dir.path()).key_file(dir.path().join("key")).open();
    open().await.unwrap().close().await;
    for name in ["key", "grants.db", ""] {
        let path = dir.path().join(name);
        if chown(&path, Some(12345), None).is_err() {
            return;
        }
        let error = open().await.unwrap_err().to_string();
        assert!(error.contains("another user"), "{name}: {error}");
        assert!(error.contains(path.to_str().unwrap().trim_end_matches('/')), "{name}: {error}");
        chown(&path, Some(0), None).unwrap();
    }
    open().await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_starts_share_one_database() {
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
