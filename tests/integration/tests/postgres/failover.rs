//! A database whose primary fails: another one takes its place, and no replica is restarted.

use std::time::{Duration, Instant, SystemTime};

use integration::{postgres::Postgres, relay::Relay};
use tokio::time::timeout;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, MasterKey, PostgresStore, Revision, SaveError, StoreError,
};

/// How long a failover may take, without the decision for it: some seconds, with a reserve for a machine
/// that is busy.
const FAILOVER: Duration = Duration::from_secs(60);

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

/// Two servers, of which the second follows the first: what is acknowledged is at both.
fn primary_and_standby() -> Option<(Postgres, Postgres)> {
    let primary = Postgres::start()?;
    let standby = primary.standby();
    standby.run();
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("SELECT pg_reload_conf()");
    primary.wait_for("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
    Some((primary, standby))
}

/// Writes until it is accepted.
async fn write(store: &PostgresStore, grant: &Grant, expected: Revision) -> Revision {
    let written = timeout(FAILOVER, async {
        loop {
            match store.save(&key(), grant, expected).await {
                Ok(revision) => return revision,
                Err(SaveError::Store(StoreError::Unavailable { .. })) => {}
                Err(other) => panic!("{other}"),
            }
        }
    });
    written.await.expect("the other server is found")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_was_promoted_is_found() {
    let Some((mut primary, standby)) = primary_and_standby() else { return };
    let (one, two) = (primary.port(), standby.port());
    let url = format!(
        "postgres://toolgate@127.0.0.1:{one},127.0.0.1:{two}/toolgate\
         ?target_session_attrs=read-write"
    );
    let store = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    let grant = Grant::new("token", SystemTime::now());
    let revision = store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
    primary.stop();
    let error = store.load(&key()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{one},127.0.0.1:{two}")), "{error}");
    standby.promote();
    let revision = write(&store, &grant, revision).await;
    assert_eq!(store.load(&key()).await.unwrap().unwrap().revision, revision);
    // What was the primary comes back, as read-only as it is after a failover.
    primary.set(&["default_transaction_read_only=on".to_owned()]);
    primary.run();
    write(&store, &grant, revision).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_becomes_read_only_is_replaced_by_another_host() {
    let Some((primary, standby)) = primary_and_standby() else { return };
    let url = format!(
        "postgres://toolgate@127.0.0.1:{},127.0.0.1:{}/toolgate?target_session_attrs=read-write",
        primary.port(),
        standby.port(),
    );
    let store = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    let grant = Grant::new("token", SystemTime::now());
    let revision = store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
    // The connections that are open stay so.
    primary.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    primary.sql("SELECT pg_reload_conf()");
    primary.wait_for("SELECT 1 WHERE current_setting('default_transaction_read_only') = 'on'");
    let refused = store.save(&key(), &grant, revision).await;
    assert!(
        matches!(refused, Err(SaveError::Store(StoreError::Unavailable { .. }))),
        "{refused:?}"
    );
    standby.promote();
    write(&store, &grant, revision).await;
    let stored = standby.sql("SELECT revision FROM toolgate_grants");
    assert_ne!(stored, primary.sql("SELECT revision FROM toolgate_grants"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_silent_does_not_hide_the_next_one() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let silent = relay.url();
    let (first, _) = silent.rsplit_once('/').unwrap();
    let url = format!("{first},127.0.0.1:{}/toolgate", database.port());
    let store = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    relay.silence();
    let (begun, grant) = (Instant::now(), Grant::new("token", SystemTime::now()));
    let revision = write(&store, &grant, Revision::ABSENT).await;
    assert!(begun.elapsed() < FAILOVER, "{:?}", begun.elapsed());
    // From now on the one that answered is asked first.
    let accepted = relay.accepted();
    for _ in 0..20 {
        assert_eq!(store.load(&key()).await.unwrap().unwrap().revision, revision);
    }
    assert_eq!(relay.accepted(), accepted, "the silent one is not asked again");
}
