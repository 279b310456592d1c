//! Sealing of all grants of an `SQLite` database again, when it is opened with another key.

use std::time::{Instant, SystemTime};

use rusqlite::{Connection, params};
use secrecy::ExposeSecret as _;
use toolgate::grant::{Grant, GrantKey, GrantStore as _, MasterKey, Sealer, SqliteStore};

use crate::database::resident_kib;

/// The rows of a run within the test suite.
const SAMPLE: usize = 20_000;

/// How much the process may grow: a batch of rows and the cache of a connection, and not the table. A sample
/// is smaller, and other tests run in its process.
const MAX_GROWTH_KIB: u64 = 64 * 1024;

fn rows() -> usize {
    let rows = std::env::var("TOOLGATE_TEST_ROWS").ok();
    rows.map_or(SAMPLE, |rows| rows.parse().expect("a number of rows"))
}

fn key(at: usize) -> GrantKey {
    GrantKey::new(format!("person{at}"), "forge")
}

#[allow(clippy::cast_precision_loss, reason = "a rate")]
#[tokio::test]
async fn grants_are_sealed_again_at_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new, rows) = (MasterKey::generate(), MasterKey::generate(), rows());
    let store = SqliteStore::at(directory.path()).key(old.clone()).open().await.unwrap();
    let path = store.path().to_owned();
    store.close().await;
    let sealer = Sealer::new(&old);
    let mut connection = Connection::open(&path).unwrap();
    let transaction = connection.transaction().unwrap();
    let sql = "INSERT INTO grants (subject, provider, revision, sealed) VALUES (?, 'forge', 1, ?)";
    let mut statement = transaction.prepare(sql).unwrap();
    for at in 0..rows {
        let grant = Grant::new(format!("token{at}-{}", "t".repeat(40)), SystemTime::UNIX_EPOCH)
            .refresh_token("r".repeat(40))
            .scopes(["repo:read", "repo:write"]);
        let sealed = sealer.seal_grant(&key(at), &grant);
        statement.execute(params![key(at).subject, sealed]).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    connection.close().unwrap();

    let (begun, memory) = (Instant::now(), resident_kib());
    let ring = new.clone().or_previous(old);
    SqliteStore::at(directory.path()).key(ring).open().await.unwrap().close().await;
    let (took, growth) = (begun.elapsed(), resident_kib().saturating_sub(memory));
    let begun = Instant::now();
    let store = SqliteStore::at(directory.path()).key(new).open().await.unwrap();
    println!(
        "sqlite: {rows} grants sealed again in {:.1} s ({:.0} a second), {} MiB more memory; opened \
         in {:.1?} afterwards",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64(),
        growth / 1024,
        begun.elapsed(),
    );
    if crate::is_full() {
        assert!(growth <= MAX_GROWTH_KIB, "{growth} KiB");
    }
    for at in (0..rows).step_by(rows.div_ceil(500)) {
        let stored = store.load(&key(at)).await.unwrap().expect("no grant is lost");
        let token = stored.value.access_token.expose_secret();
        assert!(token.starts_with(&format!("token{at}-")), "{token}");
    }
    store.close().await;
}
