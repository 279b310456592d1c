//! Connections that are cut in a transaction: what was acknowledged is there, what was not is there whole
//! or not at all, and nothing has to be restarted.

use std::time::{Duration, SystemTime};

use forge::{Config, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    postgres::{Postgres, create_database},
    relay::{Relay, Trap},
    replicas::Replicas,
};
use toolgate::grant::{
    Grant, GrantKey, GrantStore, MasterKey, Namespace, PostgresStore, Records, Revision, SaveError,
    StoreError,
};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

fn is_cut(written: &Result<Revision, SaveError>) -> bool {
    matches!(written, Err(SaveError::Store(StoreError::Unavailable { .. })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_cut_is_there_whole_or_not_at_all() {
    let Some(database) = Postgres::start() else { return };
    let relay = Relay::start(database.port()).await;
    let store = PostgresStore::at(relay.url()).key(MasterKey::generate()).open().await.unwrap();
    let (old, new) = ["old", "new"].map(|token| Grant::new(token, SystemTime::now())).into();
    let mut revision = store.save(&key(), &old, Revision::ABSENT).await.unwrap();
    for (trap, is_written) in [(Trap::CutBefore, false), (Trap::CutAfter, true)] {
        relay.set_trap("UPDATE toolgate_grants", 0, trap);
        let written = store.save(&key(), &new, revision).await;
        assert!(is_cut(&written), "{trap:?}: {written:?}");
        let found = store.load(&key()).await.unwrap().unwrap();
        assert_eq!(found.revision != revision, is_written, "{trap:?}");
        if is_written {
            let late = store.save(&key(), &old, revision).await;
            assert!(matches!(late, Err(SaveError::Conflict)), "{late:?}");
        }
        revision = store.save(&key(), &old, found.revision).await.unwrap();
    }
    let space = Namespace::new("test", 9);
    let until = SystemTime::now() + Duration::from_secs(60);
    for (trap, is_written) in [(Trap::CutBefore, false), (Trap::CutAfter, true)] {
        relay.set_trap("INSERT INTO toolgate_records", 0, trap);
        let id = format!("{trap:?}");
        let written = store.write(space, &id, b"value", until, Revision::ABSENT).await;
        assert!(is_cut(&written), "{trap:?}: {written:?}");
        assert_eq!(store.read(space, &id).await.unwrap().is_some(), is_written, "{trap:?}");
    }
    let counted = database.sql("SELECT sum(records) FROM toolgate_record_counts");
    assert_eq!(counted, database.sql("SELECT count(*) FROM toolgate_records"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_cut_leaves_nothing_and_is_made_again() {
    for (text, trap) in [
        ("CREATE TABLE toolgate_grants", Trap::CutBefore),
        ("CREATE TABLE toolgate_grants", Trap::CutAfter),
        ("INSERT INTO toolgate_migrations", Trap::CutBefore),
        ("COMMIT", Trap::CutBefore),
        ("COMMIT", Trap::CutAfter),
    ] {
        let Some(database) = Postgres::start() else { return };
        let relay = Relay::start(database.port()).await;
        relay.set_trap(text, 0, trap);
        let master = MasterKey::generate();
        let open = || PostgresStore::at(relay.url()).key(master.clone()).open();
        let error = open().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{text} {trap:?}: {error}");
        let is_done = (text, trap) == ("COMMIT", Trap::CutAfter);
        let tables = "SELECT count(*) FROM pg_class WHERE relname = 'toolgate_migrations'";
        assert_eq!(database.sql(tables), u8::from(is_done).to_string(), "{text} {trap:?}");
        let store = open().await.unwrap();
        let grant = Grant::new("token", SystemTime::now());
        store.save(&key(), &grant, Revision::ABSENT).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_connection_is_cut_loses_nothing() {
    let Some(database) = Postgres::start() else { return };
    for (at, (text, after)) in [
        ("INSERT INTO toolgate_leases", 0),
        // The record that a refresh begins, and the new tokens.
        ("UPDATE toolgate_grants", 0),
        ("UPDATE toolgate_grants", 1),
        ("DELETE FROM toolgate_leases", 0),
    ]
    .into_iter()
    .enumerate()
    {
        let relay = Relay::start(database.port()).await;
        let name = format!("cut_{at}");
        create_database(&database.url(), &name);
        let url = relay.url();
        let url = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        let replicas = Replicas::start_at(&url, Config::default(), 1, |server| server).await;
        let call = async || post_call(&replicas.mcp(), "list_issues", ISSUES).await;
        let link = link_in(&text_of(&call().await));
        Person::new("alice").approve(&link).await.unwrap();
        for (refreshes, trap) in (1..).zip([Trap::CutBefore, Trap::CutAfter]) {
            replicas.forge.expire_access_tokens();
            relay.set_trap(text, after, trap);
            let first = call().await;
            relay.sprung().await;
            // Before the refresh token was sent, the call may fail; the next one does not.
            if first["result"]["isError"] == true {
                assert!(text_of(&first).contains("call again later"), "{text} {trap:?}: {first}");
                assert_eq!(after, 0, "{text} {trap:?}: {first}");
                assert_eq!(call().await["result"]["isError"], false, "{text} {trap:?}");
            }
            let counts = replicas.forge.counts();
            assert_eq!(counts.refreshes, refreshes, "{text} {trap:?}");
            assert_eq!((counts.codes, counts.refreshes_refused), (1, 0), "{text} {trap:?}");
        }
    }
}
