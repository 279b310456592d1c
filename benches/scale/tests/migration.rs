//! How long forward migrations of a large table take while calls go on: the kinds of statements that
//! the next version of the schema may have. Rows are sealed again as in the rotation of keys, which the
//! integration tests measure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use integration::postgres::Postgres;
use toolgate::grant::{GrantStore as _, PostgresStore};

use crate::database::{REAL, key};

/// What is added and taken away again, and the statements.
const STEPS: [(&str, &str); 4] = [
    ("a column without a default", "ALTER TABLE toolgate_grants ADD COLUMN added bigint"),
    (
        "a column with a constant",
        "ALTER TABLE toolgate_grants ADD COLUMN constant bigint DEFAULT 1",
    ),
    (
        "an index, concurrently",
        "CREATE INDEX CONCURRENTLY toolgate_grants_by_subject ON toolgate_grants (subject, provider)",
    ),
    ("the index removed", "DROP INDEX CONCURRENTLY toolgate_grants_by_subject"),
];

/// The longest that a call may wait: the bound of a statement.
const MAX_CALL: Duration = Duration::from_secs(5);

/// Runs each step, while one task reads grants and writes every tenth of them.
pub(crate) async fn measure(server: &Postgres, store: PostgresStore, rows: usize) {
    let real = rows.div_ceil(REAL);
    let (server, store) = (&server, Arc::new(store));
    for (name, statement) in STEPS {
        let ended = Arc::new(AtomicBool::new(false));
        let calls = tokio::spawn(call(Arc::clone(&store), Arc::clone(&ended), real));
        let begun = Instant::now();
        // The statement blocks this thread; the calls run on another one.
        tokio::task::block_in_place(|| server.sql(statement));
        let took = begun.elapsed();
        ended.store(true, Ordering::Relaxed);
        let mut waits = calls.await.unwrap();
        waits.sort();
        let percentile = |part: usize| waits[(waits.len() - 1) * part / 100];
        let (most, slowest) = (percentile(99), percentile(100));
        println!(
            "migration: {name}, {rows} rows: {took:.1?}; meanwhile {} calls, none refused: 99 % \
             within {most:.1?}, all within {slowest:.1?}",
            waits.len(),
        );
        // A sample runs on a machine with other work.
        let counted = if crate::is_full() { slowest } else { most };
        assert!(counted < MAX_CALL, "{name}: {counted:?}");
    }
    let columns = "ALTER TABLE toolgate_grants DROP COLUMN added, DROP COLUMN constant";
    server.sql(columns);
}

/// Uses grants until the step has ended, and at least ten times.
async fn call(store: Arc<PostgresStore>, ended: Arc<AtomicBool>, real: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    while waits.len() < 10 || !ended.load(Ordering::Relaxed) {
        let key = key(waits.len() * 7919 % real);
        let begun = Instant::now();
        let stored = store.load(&key).await.unwrap().unwrap();
        if waits.len().is_multiple_of(10) {
            store.save(&key, &stored.value, stored.revision).await.unwrap();
        }
        waits.push(begun.elapsed());
    }
    waits
}
