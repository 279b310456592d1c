//! Migrations.

use futures::future::join_all;
use integration::postgres::Postgres;
use toolgate::grant::{KeyError, MasterKey, PostgresStore, StoreError};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_replicas_that_start_at_once_share_one_schema() {
    let Some(server) = Postgres::start() else { return };
    let master = MasterKey::generate();
    let starts = (0..10).map(|_| {
        let options = PostgresStore::at(server.url()).key(master.clone());
        tokio::spawn(options.open())
    });
    for store in join_all(starts).await {
        store.unwrap().unwrap();
    }
    assert_eq!(server.sql("SELECT string_agg(version::text, ',') FROM toolgate_migrations"), "1");
    assert_eq!(server.sql("SELECT count(*) FROM toolgate_meta"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_and_another_key_are_refused_and_left_alone() {
    let Some(server) = Postgres::start() else { return };
    let master = MasterKey::generate();
    let open = |key: &MasterKey| PostgresStore::at(server.url()).key(key.clone()).open();
    open(&master).await.unwrap();
    let before = server.dump();
    let error = open(&MasterKey::generate()).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Wrong { .. })), "{error}");
    open(&master).await.unwrap();
    assert_eq!(server.dump().len(), before.len());
    server.sql("INSERT INTO toolgate_migrations (version) VALUES (7)");
    let error = open(&master).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 7, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("Run the newer toolgate"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_fails_leaves_nothing() {
    let Some(server) = Postgres::start() else { return };
    server.sql("CREATE TABLE toolgate_records (theirs integer)");
    let master = MasterKey::generate();
    let open = || PostgresStore::at(server.url()).key(master.clone()).open();
    let error = open().await.unwrap_err().to_string();
    assert!(error.contains("toolgate_records") && error.contains("already exists"), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'toolgate_%'";
    assert_eq!(server.sql(tables), "1");
    server.sql("DROP TABLE toolgate_records");
    open().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_gets_the_reason() {
    let Some(server) = Postgres::start() else { return };
    server.sql("CREATE ROLE stranger LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let url = format!("postgres://stranger@127.0.0.1:{}/toolgate", server.port());
    let error = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap_err();
    assert!(error.to_string().contains("permission denied for schema public"), "{error}");
    let url = format!("postgres://nobody@127.0.0.1:{}/toolgate", server.port());
    let error = PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_database_in_schemas_of_their_own() {
    let Some(server) = Postgres::start() else { return };
    server.sql("CREATE SCHEMA one; CREATE SCHEMA two");
    for schema in ["one", "two"] {
        let url = format!("{}?options=-csearch_path%3D{schema}", server.url());
        PostgresStore::at(url).key(MasterKey::generate()).open().await.unwrap();
    }
    assert_eq!(server.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'toolgate_meta'"), "2");
}
