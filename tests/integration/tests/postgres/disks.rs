//! A database without room: what it refuses is an error in words, and is accepted once there is room.

use std::time::{Duration, SystemTime};

use forge::{Config, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    postgres::Postgres,
    replicas::Replicas,
    small_disk::SmallDisk,
};
use toolgate::grant::{
    Grant, GrantKey, GrantStore, MasterKey, PostgresStore, Revision, SaveError, StoreError,
};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

/// What PostgreSQL says of a full disk (class 53, insufficient resources).
const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; \
    END $$; \
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON toolgate_grants \
    FOR EACH ROW EXECUTE FUNCTION refuse()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tablespace_that_is_full_refuses_in_words_and_takes_rows_again() {
    let Some(database) = Postgres::start() else { return };
    let Some(disk) = SmallDisk::mount(400) else { return };
    let store = PostgresStore::at(database.url()).key(MasterKey::generate()).open().await.unwrap();
    database.own_path(disk.path());
    let space = "CREATE TABLESPACE small LOCATION";
    database.sql(&format!("{space} '{}'", disk.path().display()));
    database.sql("ALTER TABLE toolgate_grants SET TABLESPACE small");
    let grant = Grant::new("token".repeat(300), SystemTime::now());
    let mut written = 0;
    let error = loop {
        let key = GrantKey::new(format!("person {written}"), "forge");
        match store.save(&key, &grant, Revision::ABSENT).await {
            Ok(_) => written += 1,
            Err(SaveError::Store(error)) => break error,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("No space left on device (SQLSTATE 53100)"), "{words}");
    let first = GrantKey::new("person 0", "forge");
    assert!(store.load(&first).await.unwrap().is_some(), "what was accepted is there");
    let last = GrantKey::new(format!("person {written}"), "forge");
    assert!(store.load(&last).await.unwrap().is_none(), "what was refused is not");
    // The operator makes room.
    database.sql("ALTER TABLE toolgate_grants SET TABLESPACE pg_default");
    store.save(&last, &grant, Revision::ABSENT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_cannot_be_recorded_is_not_sent() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 1, |server| server).await;
    let call = async || post_call(&replicas.mcp(), "list_issues", ISSUES).await;
    let link = link_in(&text_of(&call().await));
    Person::new("alice").approve(&link).await.unwrap();
    database.sql(REFUSE);
    assert_eq!(call().await["result"]["isError"], false, "a token that is good needs no write");
    replicas.forge.expire_access_tokens();
    let refused = call().await;
    assert!(text_of(&refused).contains("call again later"), "{refused}");
    assert_eq!(replicas.forge.counts().refreshes, 0, "the refresh token is not spent");
    let sum = post_call(&replicas.mcp(), "add", r#"{"a":1,"b":2}"#).await;
    assert_eq!(text_of(&sum), "3", "what needs no database does not notice");
    database.sql("DROP TRIGGER refuse ON toolgate_grants");
    assert_eq!(call().await["result"]["isError"], false, "without a restart");
    assert_eq!(replicas.forge.counts().refreshes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_tokens_that_cannot_be_written_are_kept_until_there_is_room() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 1, |server| server).await;
    let mcp = replicas.mcp();
    let link = link_in(&text_of(&post_call(&mcp, "list_issues", ISSUES).await));
    Person::new("alice").approve(&link).await.unwrap();
    replicas.forge.expire_access_tokens();
    let held = replicas.forge.faults().hold_token();
    let (refused, ()) = tokio::join!(post_call(&mcp, "list_issues", ISSUES), async {
        held.reached(1).await;
        database.sql(REFUSE);
        drop(held);
    });
    assert!(text_of(&refused).contains("call again later"), "{refused}");
    database.sql("DROP TRIGGER refuse ON toolgate_grants");
    let begun = std::time::Instant::now();
    loop {
        let answer = post_call(&mcp, "list_issues", ISSUES).await;
        if answer["result"]["isError"] == false {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{answer}");
    }
    let counts = replicas.forge.counts();
    assert_eq!((counts.refreshes, counts.refreshes_refused, counts.codes), (1, 0, 1));
}
