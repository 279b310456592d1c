//! A database that is gone, slow or full: errors in words within a bound, and recovery by itself.

use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use integration::postgres::Postgres;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, MasterKey, PostgresStore, Revision, SaveError, StoreError,
};

use super::store;

/// More than any operation may take: some seconds, with a reserve for a machine that is busy.
const BOUND: Duration = Duration::from_secs(60);

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_restarted_is_used_again() {
    let Some(server) = Postgres::start() else { return };
    let (store, _) = store(&server).await;
    let grant = Grant::new("token", SystemTime::now());
    let revision = store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
    server.stop();
    let begun = Instant::now();
    for error in [
        store.load(&key()).await.map(drop).unwrap_err(),
        match store.save(&key(), &grant, revision).await {
            Err(SaveError::Store(error)) => error,
            other => panic!("{other:?}"),
        },
        store.peek_pending("id").await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        let words = error.to_string();
        assert!(words.contains(&format!("127.0.0.1:{}/toolgate", server.port())), "{words}");
    }
    assert!(begun.elapsed() < BOUND);
    server.run();
    assert_eq!(store.load(&key()).await.unwrap().unwrap().revision, revision, "without a restart");
    store.save(&key(), &grant, revision).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_cut_is_replaced() {
    let Some(server) = Postgres::start() else { return };
    // With one connection, so that no other one is met before its end is known.
    let url = format!("{}?max_connections=1", server.url());
    let store = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    store.list("alice").await.unwrap();
    // It has ended when this returns, or a minute has passed.
    server.sql(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity \
         WHERE application_name = 'toolgate'",
    );
    // The first may meet the connection before its end is known.
    let _ = store.list("alice").await;
    store.list("alice").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_locked_ends_the_call_in_time_and_frees_the_connections() {
    let Some(server) = Postgres::start() else { return };
    let url = format!("{}?max_connections=2", server.url());
    let store = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    let grant = Grant::new("token", SystemTime::now());
    let revision = store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
    let lock = "BEGIN; LOCK TABLE toolgate_grants; SELECT pg_sleep(600)";
    let locker = server.spawn_sql(lock);
    server.wait_for("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    let begun = Instant::now();
    let key_of_all = key();
    let reads = join_all((0..8).map(|_| store.load(&key_of_all))).await;
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let errors: Vec<_> = reads.into_iter().map(|read| read.unwrap_err().to_string()).collect();
    assert!(errors.iter().any(|error| error.contains("timeout")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("connections are busy")), "{errors:?}");
    drop(locker);
    server
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    store.save(&key(), &grant, revision).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_times_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://toolgate@{}/toolgate", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap_err();
    assert!(begun.elapsed() < BOUND);
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}
