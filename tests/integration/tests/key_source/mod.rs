//! Stores whose data keys a KMS wraps: a whole service stands in for one.

mod kms;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use integration::waiting::soon;
use secrecy::ExposeSecret as _;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, ManualClock, MasterKey, Revision, SqliteOptions, SqliteStore,
    StoreError,
};

use self::kms::Kms;

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(300);

fn key(subject: &str) -> GrantKey {
    GrantKey::new(subject, "forge")
}

async fn save(store: &impl GrantStore, subject: &str) {
    let grant = Grant::new(format!("token-of-{subject}"), SystemTime::now());
    store.save(&key(subject), &grant, Revision::ABSENT).await.unwrap();
}

async fn check(store: &impl GrantStore, subject: &str) {
    let grant = store.load(&key(subject)).await.unwrap().unwrap().value;
    assert_eq!(grant.access_token.expose_secret(), format!("token-of-{subject}"));
}

fn at(directory: &Path, kms: &Kms, cache_lifetime: Duration) -> SqliteOptions {
    SqliteStore::at(directory).key_source(kms.source(cache_lifetime))
}

/// Loads until the store fails, or until it no longer does.
async fn until(store: &SqliteStore, subject: &str, fails: bool) -> Option<StoreError> {
    soon(async {
        loop {
            let result = store.load(&key(subject)).await;
            if result.is_err() == fails {
                return result.err();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_sealed_under_a_key_that_the_kms_has_wrapped() {
    let (kms, dir) = (Kms::start().await, tempfile::tempdir().unwrap());
    let store = at(dir.path(), &kms, HOUR).open().await.unwrap();
    save(&store, "alice").await;
    store.close().await;
    assert_eq!(kms.counts().0, 1, "there is one data key");
    assert!(!dir.path().join("key").exists(), "there is no key file");
    let store = at(dir.path(), &kms, HOUR).open().await.unwrap();
    check(&store, "alice").await;
    let asked = kms.counts();
    for _ in 0..50 {
        check(&store, "alice").await;
    }
    assert_eq!(kms.counts(), asked, "calls do not ask the KMS");
    store.close().await;

    let other = Kms::start().await;
    let error = at(dir.path(), &other, HOUR).open().await.unwrap_err();
    assert!(matches!(&error, StoreError::DataKeys(error) if error.is_refusal()), "{error}");
    let error = SqliteStore::at(dir.path()).key(MasterKey::generate()).open().await.unwrap_err();
    assert!(matches!(error, StoreError::Key(_)), "{error}");
    check(&at(dir.path(), &kms, HOUR).open().await.unwrap(), "alice").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_ends_without_a_restart() {
    let (kms, dir) = (Kms::start().await, tempfile::tempdir().unwrap());
    let store = at(dir.path(), &kms, SHORT).open().await.unwrap();
    save(&store, "alice").await;
    kms.set_down(true);
    let error = until(&store, "alice", true).await.unwrap();
    assert!(matches!(error, StoreError::DataKeys(_)), "{error}");
    assert!(error.to_string().contains("does not answer: 503"), "{error}");
    let grant = Grant::new("token", SystemTime::now());
    let unsaved = store.save(&key("bob"), &grant, Revision::ABSENT).await.unwrap_err();
    assert!(unsaved.to_string().contains("503"), "{unsaved}");
    let error = at(dir.path(), &kms, SHORT).open().await.unwrap_err();
    assert!(error.to_string().contains("503"), "a start fails as well: {error}");
    kms.set_down(false);
    until(&store, "alice", false).await;
    check(&store, "alice").await;
    assert!(store.load(&key("bob")).await.unwrap().is_none(), "it was not half-written");
    save(&store, "bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_opens_nothing_until_it_is_enabled_again() {
    let (kms, dir) = (Kms::start().await, tempfile::tempdir().unwrap());
    let store = at(dir.path(), &kms, SHORT).open().await.unwrap();
    save(&store, "alice").await;
    kms.disable(0);
    let error = until(&store, "alice", true).await.unwrap();
    assert!(matches!(&error, StoreError::DataKeys(error) if error.is_refusal()), "{error}");
    assert!(error.to_string().contains("refuses: 403"), "{error}");
    kms.enable(0);
    until(&store, "alice", false).await;
    check(&store, "alice").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_keys_are_wrapped_again_when_the_kms_has_a_newer_key() {
    let (kms, dir) = (Kms::start().await, tempfile::tempdir().unwrap());
    let store = at(dir.path(), &kms, HOUR).open().await.unwrap();
    save(&store, "alice").await;
    store.close().await;
    kms.rotate();
    at(dir.path(), &kms, HOUR).open().await.unwrap().close().await;
    kms.disable(0);
    let store = at(dir.path(), &kms, HOUR).open().await.unwrap();
    check(&store, "alice").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_goes_from_its_master_key_to_a_kms() {
    let (kms, dir) = (Kms::start().await, tempfile::tempdir().unwrap());
    let (master, clock) = (MasterKey::generate(), Arc::new(ManualClock::new()));
    let before = || SqliteStore::at(dir.path()).clock(clock.clone()).key(master.clone());
    let store = before().open().await.unwrap();
    save(&store, "alice").await;
    let both = before().key_source(kms.source(HOUR)).open().await.unwrap();
    save(&both, "bob").await;
    check(&both, "alice").await;
    // A replica that knows the master key alone is still there.
    check(&store, "bob").await;
    store.close().await;
    both.close().await;

    clock.advance(HOUR + Duration::from_secs(61));
    let both = before().key_source(kms.source(HOUR)).open().await.unwrap();
    save(&both, "carol").await;
    both.close().await;
    let after = at(dir.path(), &kms, HOUR).clock(clock.clone()).open().await.unwrap();
    for subject in ["alice", "bob", "carol"] {
        check(&after, subject).await;
    }
    after.close().await;
    let error = before().open().await.unwrap_err();
    assert!(matches!(error, StoreError::Key(_)), "{error}");
}

#[cfg(unix)]
mod postgres {
    use integration::postgres::Postgres;
    use toolgate::grant::PostgresStore;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn replicas_that_start_at_once_share_one_data_key() {
        let Some(server) = Postgres::start() else { return };
        let kms = Kms::start().await;
        let open = || PostgresStore::at(server.url()).key_source(kms.source(HOUR)).open();
        let stores = futures::future::join_all((0..6).map(|_| open())).await;
        let stores: Vec<_> = stores.into_iter().map(Result::unwrap).collect();
        save(&stores[0], "alice").await;
        for store in &stores {
            check(store, "alice").await;
        }
        let count = "SELECT count(*) FROM toolgate_meta WHERE name LIKE 'data key%'";
        assert_eq!(server.sql(count), "1");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_database_goes_from_its_master_key_to_a_kms() {
        let Some(server) = Postgres::start() else { return };
        let (kms, master, clock) =
            (Kms::start().await, MasterKey::generate(), Arc::new(ManualClock::new()));
        let options = || PostgresStore::at(server.url()).clock(clock.clone());
        let former = options().key(master.clone()).open().await.unwrap();
        save(&former, "alice").await;
        let both = || options().key(master.clone()).key_source(kms.source(HOUR)).open();
        let first = both().await.unwrap();
        save(&first, "bob").await;
        check(&former, "bob").await;
        drop((former, first));
        clock.advance(HOUR + Duration::from_secs(61));
        let sealing = both().await.unwrap();
        let ids = "SELECT 1 FROM toolgate_grants \
                   HAVING count(DISTINCT substring(sealed FROM 2 FOR 8)) = 1 \
                   AND count(*) = (SELECT count(*) FROM toolgate_grants g, toolgate_meta m \
                   WHERE m.name LIKE 'data key%' \
                   AND substring(g.sealed FROM 2 FOR 8) = substring(m.value FROM 10 FOR 8))";
        server.wait_for(ids);
        check(&sealing, "alice").await;
        let after = soon(async {
            loop {
                // The check value follows the last row.
                match options().key_source(kms.source(HOUR)).open().await {
                    Ok(store) => return store,
                    Err(StoreError::Key(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await;
        check(&after, "bob").await;
    }
}
