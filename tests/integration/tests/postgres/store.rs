//! What every store keeps.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::join_all;
use integration::postgres::Postgres;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, ManualClock, MasterKey, Namespace, PostgresStore, Records,
    Revision, SaveError, Store, StoreError, contract,
};

use super::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds() {
    let Some(server) = Postgres::start() else { return };
    let (store, clock) = store(&server).await;
    contract::holds(&store, &clock).await;
    contract::records_hold(&store, &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_writes_another_reads() {
    let Some(server) = Postgres::start() else { return };
    let master = MasterKey::generate();
    let open = async || PostgresStore::at(server.url()).key(master.clone()).open().await.unwrap();
    let (one, other) = (open().await, open().await);
    let key = GrantKey::new("alice", "forge");
    let grant = Grant::new("access-secret", SystemTime::now()).refresh_token("refresh-secret");
    let first = one.save(&key, &grant, Revision::ABSENT).await.unwrap();
    assert_eq!(other.load(&key).await.unwrap().unwrap().revision, first);
    other.save(&key, &grant, first).await.unwrap();
    let late = one.save(&key, &grant, first).await;
    assert!(matches!(late, Err(SaveError::Conflict)), "{late:?}");
    let until = SystemTime::now() + Duration::from_secs(60);
    one.put_pending("id-secret", b"verifier-secret", until).await.unwrap();
    assert_eq!(other.take_pending("id-secret").await.unwrap().unwrap(), b"verifier-secret");
    one.put_pending("id-secret", b"verifier-secret", until).await.unwrap();
    let space = Namespace::new("test", 9);
    one.write(space, "key-secret", b"value-secret", until, Revision::ABSENT).await.unwrap();
    let dump = server.dump();
    assert!(dump.contains("alice") && !dump.contains("secret"), "no secret is in the database");
    // bytea is dumped in hexadecimal.
    assert!(!dump.contains("736563726574"), "no secret is in the database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_text_can_be_a_subject() {
    let Some(server) = Postgres::start() else { return };
    let (store, _) = store(&server).await;
    let long = "x".repeat(100_000);
    for subject in ["", "a\0b", "a\u{fffd}b", "it's \\ \"quoted\"", "\u{1f600}", &long] {
        let key = GrantKey::new(subject, "forge");
        let grant = Grant::new(subject, SystemTime::now());
        store.save(&key, &grant, Revision::ABSENT).await.unwrap();
        assert_eq!(store.list(subject).await.unwrap(), [key]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_bounded_for_all_replicas_together() {
    const SPACE: Namespace = Namespace::new("test", 40);
    let Some(server) = Postgres::start() else { return };
    let (clock, master) = (Arc::new(ManualClock::new()), MasterKey::generate());
    let open = || PostgresStore::at(server.url()).key(master.clone()).clock(clock.clone()).open();
    let stores = [open().await.unwrap(), open().await.unwrap()];
    let space = SPACE.evicting();
    let write = async |at: u64| {
        let until = toolgate::grant::Clock::now(&*clock) + Duration::from_secs(60 + at);
        let store = &stores[usize::try_from(at % 2).unwrap()];
        store.write(space, &format!("{at}"), b"value", until, Revision::ABSENT).await
    };
    // Twenty at once is more than the replicas have connections.
    for round in 0..10 {
        for written in join_all((0..20).map(|at| write(round * 20 + at))).await {
            written.unwrap();
        }
    }
    let count = || server.sql("SELECT count(*) FROM toolgate_records").parse::<u64>().unwrap();
    let said = || server.sql("SELECT sum(records) FROM toolgate_record_counts");
    assert_eq!(said(), count().to_string(), "the counts are those of the records");
    // Those that are under way at once do not see each other.
    assert!((20..60).contains(&count()), "{}", count());
    assert!(stores[0].read(space, "199").await.unwrap().is_some(), "the newest is there");
    clock.advance(Duration::from_secs(10_000));
    for at in 1000..1128 {
        write(at).await.unwrap();
    }
    assert_eq!(said(), count().to_string(), "the counts are those of the records");
    let expired = "SELECT count(*) FROM toolgate_records WHERE expires_at <= ";
    let now = toolgate::grant::Clock::now(&*clock).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(server.sql(&format!("{expired}{}", now.as_millis())), "0", "they are removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_moved_or_made_to_last_longer_does_not_open() {
    let Some(server) = Postgres::start() else { return };
    let (store, clock) = store(&server).await;
    let now = toolgate::grant::Clock::now(&*clock);
    let key = GrantKey::new("alice", "forge");
    store.save(&key, &Grant::new("token", now), Revision::ABSENT).await.unwrap();
    server.sql("UPDATE toolgate_grants SET provider = 'other'");
    let error = store.load(&GrantKey::new("alice", "other")).await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    let until = now + Duration::from_secs(60);
    let space = Namespace::new("test", 2);
    store.write(space, "code", b"alice", until, Revision::ABSENT).await.unwrap();
    store.put_pending("state", b"alice", until).await.unwrap();
    server.sql("UPDATE toolgate_records SET expires_at = expires_at + 1000");
    for error in [
        store.read(space, "code").await.unwrap_err(),
        store.peek_pending("state").await.unwrap_err(),
        store.take_pending("state").await.unwrap_err(),
        store.take(space, "code").await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_opens_the_store() {
    let Some(server) = Postgres::start() else { return };
    let (first, _) = store(&server).await;
    drop(first);
    // The key of the environment is another one, or there is none.
    let error = Store::open(&server.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_replica_wakes_those_who_wait_at_another() {
    const SPACE: Namespace = Namespace::new("test", 9).watched();
    const NEVER: Duration = Duration::from_secs(3600);
    let Some(server) = Postgres::start() else { return };
    let master = MasterKey::generate();
    let open = async || PostgresStore::at(server.url()).key(master.clone()).open().await.unwrap();
    let (one, other) = (open().await, open().await);
    let until = SystemTime::now() + NEVER;
    let mut revision = Revision::ABSENT;
    for round in 0..3_u8 {
        let changed = other.watch(SPACE, "key", NEVER);
        server.wait_for("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
        revision = one.write(SPACE, "key", &[round], until, revision).await.unwrap();
        changed.await;
        let seen = async {
            loop {
                let changed = other.watch(SPACE, "key", NEVER);
                let found = other.read(SPACE, "key").await.unwrap();
                if found.is_some_and(|found| found.value.as_slice() == [round]) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), seen).await.expect("it is woken");
        if round == 0 {
            // The connection of the notifications is opened again, and what was missed is looked for.
            server.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
            );
        }
    }
}
