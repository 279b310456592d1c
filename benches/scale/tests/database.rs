//! A PostgreSQL with many grants: plans of every statement of the hot path, look-ups, and what idle
//! grants cost. The plans are those of the statements that the store sends (`auto_explain`).

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest;
use integration::postgres::Postgres;
use secrecy::ExposeSecret as _;
use toolgate::grant::{
    Grant, GrantKey, GrantStore, HolderId, MasterKey, Namespace, PostgresStore, Records, Revision,
    Sealer,
};

/// The rows of a run within the test suite.
const SAMPLE: usize = 20_000;

/// One row in so many is a real grant; the others have the same length.
pub(crate) const REAL: usize = 1000;

const SPACE: Namespace = Namespace::new("scale", 1_000_000);

fn rows() -> usize {
    let rows = std::env::var("TOOLGATE_SCALE_ROWS").ok();
    rows.map_or(SAMPLE, |rows| rows.parse().expect("a number of rows"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn key(at: usize) -> GrantKey {
    GrantKey::new(format!("real{at}"), "forge")
}

/// The memory of this process, in KiB.
pub(crate) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Fills the table in chunks, each with its real grants, so that these lie everywhere.
fn fill(server: &Postgres, master: &MasterKey, rows: usize) {
    let sealer = Sealer::new(master);
    server.sql("ALTER TABLE toolgate_grants DROP CONSTRAINT toolgate_grants_pkey");
    let chunk = rows.div_ceil(20);
    let mut real = 0;
    for first in (0..rows).step_by(chunk) {
        let last = (first + chunk).min(rows) - 1;
        server.sql(&format!(
            "INSERT INTO toolgate_grants (owner, provider, subject, revision, sealed) \
             SELECT sha256(('idle' || at)::bytea), 'forge', 'idle' || at, 1, \
             decode(repeat(md5(at::text), 12), 'hex') || sha256(at::text::bytea) \
             FROM generate_series({first}, {last}) AS at WHERE at % {REAL} > 0"
        ));
        server.copy("toolgate_grants (owner, provider, subject, revision, sealed)", |out| {
            while real * REAL <= last {
                let key = key(real);
                let grant = Grant::new(format!("token{real}"), SystemTime::UNIX_EPOCH)
                    .refresh_token("r".repeat(20));
                let owner = digest::digest(&digest::SHA256, key.subject.as_bytes());
                let sealed = hex(&sealer.seal_grant(&key, &grant));
                let (owner, subject) = (hex(owner.as_ref()), &key.subject);
                writeln!(out, "\\\\x{owner}\tforge\t{subject}\t1\t\\\\x{sealed}")?;
                real += 1;
            }
            Ok(())
        });
    }
    server.sql("ALTER TABLE toolgate_grants ADD PRIMARY KEY (owner, provider)");
    // As many leases and records as a busy hour has.
    let others = rows.min(100_000);
    server.sql(&format!(
        "INSERT INTO toolgate_leases SELECT sha256(('idle' || at)::bytea), 'forge', 'holder', 0 \
         FROM generate_series(1, {others}) AS at"
    ));
    server.sql(&format!(
        "INSERT INTO toolgate_records SELECT space, sha256(at::text::bytea), 'sealed', \
         (extract(epoch FROM now()) * 1000)::bigint + 3600000 + at, 1 \
         FROM generate_series(1, {others} / 2) AS at, unnest(ARRAY['scale', 'other']) AS space"
    ));
    server.sql("VACUUM ANALYZE");
}

/// Every statement of the hot path, once.
async fn hot_path(store: &PostgresStore) {
    let (key, holder) = (key(1), HolderId::random());
    let until = SystemTime::now() + Duration::from_secs(600);
    let stored = store.load(&key).await.unwrap().unwrap();
    let lease = store.lease(&key, holder, Duration::from_secs(30)).await.unwrap().unwrap();
    store.save(&key, &stored.value, stored.revision).await.unwrap();
    store.release(lease).await.unwrap();
    store.list(&key.subject).await.unwrap();
    let new = GrantKey::new("new", "forge");
    store.save(&new, &stored.value, Revision::ABSENT).await.unwrap();
    store.remove(&new).await.unwrap();
    let revision = store.write(SPACE, "a", b"value", until, Revision::ABSENT).await.unwrap();
    store.write(SPACE, "a", b"value", until, revision).await.unwrap();
    store.read(SPACE, "a").await.unwrap();
    store.take(SPACE, "a").await.unwrap();
    store.put_pending("state", b"verifier", until).await.unwrap();
    store.peek_pending("state").await.unwrap();
    store.take_pending("state").await.unwrap();
}

/// The plans in the server's log: statement and plan.
fn plans(log: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in log.split("LOG:  duration: ").skip(1) {
        let Some((_, rest)) = entry.split_once("Query Text: ") else { continue };
        let lines: Vec<&str> = rest
            .lines()
            .take_while(|line| line.starts_with(['\t', ' ']) || !line.contains(" UTC ["))
            .collect();
        let at = lines.iter().position(|line| line.contains("(cost=")).unwrap_or(lines.len());
        let statement = lines[..at].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        found.push((statement, lines[at..].join("\n")));
    }
    found
}

#[allow(clippy::too_many_lines, reason = "one measurement after another, of one database")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_of_the_hot_path_goes_by_a_key() {
    let Some(server) = Postgres::start_with(&[
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_analyze=on",
        "auto_explain.log_buffers=on",
        "auto_explain.log_nested_statements=on",
        "fsync=off",
        "max_wal_size=1GB",
        "shared_buffers=256MB",
        "maintenance_work_mem=512MB",
        "log_timezone=UTC",
    ]) else {
        return;
    };
    let (master, rows) = (MasterKey::generate(), rows());
    PostgresStore::at(server.url()).key(master.clone()).open().await.unwrap().close();
    let begun = Instant::now();
    fill(&server, &master, rows);
    println!("database: {rows} grants made in {:.0?}", begun.elapsed());
    let size = |what: &str| server.sql(&format!("SELECT {what}('toolgate_grants')"));
    let (table, indexes) = (size("pg_table_size"), size("pg_indexes_size"));
    let bytes: usize = table.parse::<usize>().unwrap() + indexes.parse::<usize>().unwrap();
    let of_index = indexes.parse::<usize>().unwrap() / rows;
    println!(
        "database: {} bytes on disk for an idle grant, of them {of_index} of its key's index",
        bytes / rows
    );

    // A program that starts reads none of them.
    let before = resident_kib();
    let begun = Instant::now();
    let store = PostgresStore::at(server.url()).key(master.clone()).open().await.unwrap();
    let opened = begun.elapsed();
    println!(
        "database: opened in {opened:.1?}, with {} KiB more memory",
        resident_kib().saturating_sub(before)
    );
    // A sample runs on a machine with other work.
    let bound = Duration::from_secs(if crate::is_full() { 2 } else { 10 });
    assert!(opened < bound, "{opened:?}");

    // The caches are empty: the server's, and the system's where the test may empty it.
    store.close();
    server.stop();
    let mut is_cold = false;
    if crate::is_full() {
        let _ = std::process::Command::new("sync").status();
        is_cold = fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
    }
    server.run();
    let store = PostgresStore::at(server.url()).key(master.clone()).open().await.unwrap();
    let real = rows.div_ceil(REAL);
    let mut waits = Vec::new();
    for at in 0..real.min(2000) {
        let at = at * 7919 % real;
        let begun = Instant::now();
        let stored = store.load(&key(at)).await.unwrap().unwrap();
        waits.push(begun.elapsed());
        assert_eq!(stored.value.access_token.expose_secret(), format!("token{at}"));
    }
    waits.sort();
    let percentile = |part: usize| waits[(waits.len() - 1) * part / 100];
    println!(
        "database: look-ups with {} cache: half within {:.1?}, 99 % within {:.1?}",
        if is_cold { "a cold" } else { "the system's" },
        percentile(50),
        percentile(99)
    );

    let begun = Instant::now();
    let mut tasks = Vec::new();
    let store = std::sync::Arc::new(store);
    let each = if crate::is_full() { 5000 } else { 200 };
    for task in 0..8_usize {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for at in 0..each {
                store.load(&key((task * 7919 + at * 31) % real)).await.unwrap().unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let rate = f64::from(each as u32 * 8) / begun.elapsed().as_secs_f64();
    println!(
        "database: {rate:.0} grant look-ups a second, 8 at once, by one process with 10 connections"
    );

    server.sql("ALTER DATABASE toolgate SET auto_explain.log_min_duration = 0");
    store.close();
    let store = PostgresStore::at(server.url()).key(master).open().await.unwrap();
    let logged = server.log().len();
    hot_path(&store).await;
    let log = server.log();
    let plans = plans(&log[logged..]);
    let mut seen = 0;
    for (statement, plan) in &plans {
        let is_hot = ["toolgate_grants", "toolgate_leases", "toolgate_records"]
            .iter()
            .any(|table| statement.contains(table));
        if !is_hot {
            continue;
        }
        seen += 1;
        if crate::is_full() {
            println!("\n{statement}\n{plan}");
        }
        for table in ["toolgate_grants", "toolgate_records", "toolgate_leases"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{statement}\n{plan}");
        }
        let reads_grants = statement.contains("FROM toolgate_grants")
            || statement.starts_with("UPDATE toolgate_grants");
        if reads_grants {
            assert!(plan.contains("toolgate_grants_pkey"), "{statement}\n{plan}");
        }
    }
    assert!(seen >= 14, "{seen} plans of {}: {log}", plans.len());
    println!("database: {seen} statements of the hot path, each by a key");
    server.sql("ALTER DATABASE toolgate RESET auto_explain.log_min_duration");
    crate::migration::measure(&server, store, rows).await;
}
