//! Rotation of the master key over many rows, while calls go on. `TOOLGATE_TEST_ROWS` says how many:
//! `.ci/scale` runs it with a million.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest;
use integration::postgres::Postgres;
use secrecy::ExposeSecret as _;
use toolgate::grant::{Grant, GrantKey, GrantStore, MasterKey, PostgresStore, Sealer};

/// The rows of a run that is one of many tests.
const SAMPLE: usize = 20_000;

/// The longest wait for nearly every call meanwhile. One that waited for all of the rotation would fail,
/// because a statement has a bound of some seconds.
const MAX_CALL: Duration = Duration::from_secs(2);

/// How much the process may grow: a batch of rows, and not the table. A sample is smaller, and other tests
/// run in its process.
const MAX_GROWTH_MIB: u64 = 64;

fn rows() -> usize {
    let rows = std::env::var("TOOLGATE_TEST_ROWS").ok();
    rows.map_or(SAMPLE, |rows| rows.parse().expect("a number of rows"))
}

fn key(at: usize) -> GrantKey {
    GrantKey::new(format!("person{at}"), "forge")
}

fn grant(at: usize) -> Grant {
    Grant::new(format!("token{at}-{}", "t".repeat(40)), SystemTime::UNIX_EPOCH)
        .refresh_token("r".repeat(40))
        .scopes(["repo:read", "repo:write"])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The memory of this process, in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
        / 1024
}

#[allow(clippy::cast_precision_loss, reason = "a rate")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_while_calls_go_on() {
    let Some(server) = Postgres::start_with(&["max_wal_size=4GB", "shared_buffers=128MB"]) else {
        return;
    };
    let (old, new, rows) = (MasterKey::generate(), MasterKey::generate(), rows());
    PostgresStore::at(server.url()).key(old.clone()).open().await.unwrap().close();
    let sealer = Sealer::new(&old);
    server.copy("toolgate_grants (owner, provider, subject, revision, sealed)", |out| {
        for at in 0..rows {
            let key = key(at);
            let owner = digest::digest(&digest::SHA256, key.subject.as_bytes());
            let sealed = hex(&sealer.seal_grant(&key, &grant(at)));
            let (owner, subject) = (hex(owner.as_ref()), &key.subject);
            writeln!(out, "\\\\x{owner}\tforge\t{subject}\t1\t\\\\x{sealed}")?;
        }
        Ok(())
    });
    server.sql("ANALYZE");
    // The first step, at a replica that stays at it: it knows the new key, and seals with the old one.
    let knowing = old.clone().or_previous(new.clone());
    let knowing = PostgresStore::at(server.url()).key(knowing).open().await.unwrap();
    let check_value = || server.sql("SELECT encode(value, 'hex') FROM toolgate_meta");
    let before = check_value();

    let ring = new.clone().or_previous(old.clone());
    let (begun, memory) = (Instant::now(), resident());
    let stores = [
        PostgresStore::at(server.url()).key(ring.clone()).open().await.unwrap(),
        PostgresStore::at(server.url()).key(ring).open().await.unwrap(),
        knowing,
    ];
    let (mut peak, mut calls, mut waits) = (memory, 0_usize, Vec::new());
    let mut looked = Instant::now();
    loop {
        calls += 1;
        // The replica of the first step is replaced after a second.
        let replicas = if begun.elapsed() < Duration::from_secs(1) { 3 } else { 2 };
        let (at, store) = (calls * 7919 % rows, &stores[calls % replicas]);
        let started = Instant::now();
        let stored = store.load(&key(at)).await.unwrap().expect("no grant is lost");
        let token = stored.value.access_token.expose_secret().to_owned();
        assert!(token.starts_with(&format!("token{at}-")), "{token}");
        if calls.is_multiple_of(10) {
            // A refresh meanwhile, at a replica of either step. Sealing changes no revision.
            store.save(&key(at), &grant(at), stored.revision).await.unwrap();
        }
        waits.push(started.elapsed());
        peak = peak.max(resident());
        if looked.elapsed() > Duration::from_millis(200) {
            looked = Instant::now();
            if check_value() != before {
                break;
            }
        }
    }
    let took = begun.elapsed();
    waits.sort();
    let percentile = |part: usize| waits[(waits.len() - 1) * part / 1000];
    let (half, most, slowest) = (percentile(500), percentile(990), percentile(1000));
    let rate = rows as f64 / took.as_secs_f64();
    println!(
        "rotation: {rows} rows in {:.1} s ({rate:.0} a second), {} MiB more memory; meanwhile {calls} \
         calls, none refused: half within {half:.1?}, 99 % within {most:.1?}, all within {slowest:.1?}",
        took.as_secs_f64(),
        peak - memory,
    );
    assert!(most < MAX_CALL, "{most:?}");
    if rows > SAMPLE {
        assert!(slowest < MAX_CALL, "{slowest:?}");
        assert!(peak - memory <= MAX_GROWTH_MIB, "{} MiB", peak - memory);
    }
    drop(stores);
    // Rows that the replica of the first step has written since are found by a later look: with its
    // key they are opened until then.
    let last = PostgresStore::at(server.url()).key(new).open().await.unwrap();
    let missed = "SELECT count(*) FROM toolgate_grants WHERE substring(sealed FROM 2 FOR 8) <> \
                  (SELECT substring(sealed FROM 2 FOR 8) FROM toolgate_grants \
                  GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)";
    let missed: usize = server.sql(missed).parse().unwrap();
    assert!(missed * 100 <= rows, "{missed} rows are left");
    let mut opened = 0;
    for at in (0..rows).step_by(rows.div_ceil(500)) {
        opened += usize::from(last.load(&key(at)).await.is_ok());
    }
    assert!(opened >= 490, "{opened} of 500 rows are opened by the new key alone");
}
