//! Rotation of the master key.

use std::time::{Duration, SystemTime};

use integration::postgres::Postgres;
use secrecy::ExposeSecret as _;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, KeyError, MasterKey, Namespace, PostgresStore, Records, Revision,
    StoreError,
};

const SPACE: Namespace = Namespace::new("test", 2000);
const ROWS: usize = 1200;

async fn open(server: &Postgres, key: MasterKey) -> Result<PostgresStore, StoreError> {
    PostgresStore::at(server.url()).key(key).open().await
}

fn key(at: usize) -> GrantKey {
    GrantKey::new(format!("person\\{at}"), "forge")
}

async fn check(store: &PostgresStore) {
    for at in (0..ROWS).step_by(100) {
        let grant = store.load(&key(at)).await.unwrap().unwrap().value;
        assert_eq!(grant.access_token.expose_secret(), format!("token{at}"));
        let record = store.read(SPACE, &at.to_string()).await.unwrap().unwrap();
        assert_eq!(record.value.as_slice(), at.to_string().as_bytes());
    }
    assert_eq!(store.peek_pending("state").await.unwrap().unwrap(), b"verifier");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_sealed_under_the_new_key_while_replicas_use_them() {
    let Some(server) = Postgres::start() else { return };
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let before = open(&server, old.clone()).await.unwrap();
    let until = SystemTime::now() + Duration::from_secs(3600);
    for at in 0..ROWS {
        let grant = Grant::new(format!("token{at}"), SystemTime::now());
        before.save(&key(at), &grant, Revision::ABSENT).await.unwrap();
        let (id, space) = (at.to_string(), SPACE);
        before.write(space, &id, id.as_bytes(), until, Revision::ABSENT).await.unwrap();
    }
    before.put_pending("state", b"verifier", until).await.unwrap();
    let revision = before.load(&key(0)).await.unwrap().unwrap().revision;

    // First every replica learns the new key, then each seals with it, and then the old one goes.
    let knowing = open(&server, old.clone().or_previous(new.clone())).await.unwrap();
    check(&knowing).await;
    let ages = "SELECT count(DISTINCT id) FROM (SELECT substring(sealed FROM 2 FOR 8) AS id \
                FROM toolgate_grants UNION ALL SELECT substring(sealed FROM 2 FOR 8) \
                FROM toolgate_records) AS ids";
    assert_eq!(server.sql(ages), "1", "nothing is sealed with a key that only opens");
    let check_value = "SELECT encode(value, 'hex') FROM toolgate_meta";
    let value = server.sql(check_value);
    let ring = || new.clone().or_previous(old.clone());
    let sealing = [open(&server, ring()).await.unwrap(), open(&server, ring()).await.unwrap()];
    check(&sealing[0]).await;
    check(&knowing).await;
    server
        .wait_for(&format!("SELECT 1 FROM toolgate_meta WHERE encode(value, 'hex') <> '{value}'"));
    assert_eq!(server.sql(ages), "1", "all are sealed with the new one");
    check(&knowing).await;
    let after = open(&server, new).await.unwrap();
    check(&after).await;
    let stored = after.load(&key(0)).await.unwrap().unwrap();
    assert_eq!(stored.revision, revision, "a refresh that was under way is not disturbed");
    let error = open(&server, old).await.unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Wrong { .. })), "{error}");
}
