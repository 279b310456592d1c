//! What a crash costs: four processes of which one ends each second, and kills at every crash point. It prints
//! what `docs/operations.md` says. `--sample`: a minute of it. `--points`: the kills at crash points alone. `--seed N`: those of an earlier run.

use std::{
    env,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::join_all;
use integration::{
    fleet::{FreshStore, Kills, Load, Points, Random, Signal},
    postgres::Postgres,
};
use tempfile::TempDir;

#[derive(Debug)]
struct FreshSqlite {
    folder: TempDir,
    made: AtomicUsize,
}

impl FreshStore for FreshSqlite {
    fn next(&self) -> (String, String) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        (String::new(), self.folder.path().join(number.to_string()).display().to_string())
    }
}

struct FreshSchema<'a> {
    database: &'a Postgres,
    made: AtomicUsize,
}

impl std::fmt::Debug for FreshSchema<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FreshSchema")
    }
}

impl FreshStore for FreshSchema<'_> {
    fn next(&self) -> (String, String) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        (schema(self.database, &format!("fresh_{number}")), String::new())
    }
}

fn schema(database: &Postgres, name: &str) -> String {
    database.sql(&format!("CREATE SCHEMA {name}"));
    format!("{}?options=-csearch_path%3D{name}", database.url())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_sample = arguments.iter().any(|argument| argument == "--sample");
    let seed = arguments.iter().position(|argument| argument == "--seed");
    let seed = seed.and_then(|at| arguments.get(at + 1)).and_then(|seed| seed.parse().ok());
    let seed = Random::new(seed.unwrap_or(0)).seed();
    eprintln!("seed {seed}");
    let program = env::current_exe().expect("a path").with_file_name("fleet");
    let Some(database) = Postgres::start() else { return ExitCode::SUCCESS };
    let _log = LogOfFailure(&database);
    // The sign-ins that are cut off end in a panic of the headless browser.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_cut = panic.location().is_some_and(|place| place.file().contains("broker"));
        if !is_cut {
            hook(panic);
        }
    }));
    let is_points = arguments.iter().any(|argument| argument == "--points");
    let points = points(&program, &database, is_sample, seed);
    let (is_right, table) = if is_points {
        (true, points.await)
    } else if is_sample {
        // Both mostly wait.
        tokio::join!(processes(&program, &database, is_sample), points)
    } else {
        (processes(&program, &database, is_sample).await, points.await)
    };
    print!("{table}");
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Four processes on one database, of which one ends each second.
async fn processes(program: &Path, database: &Postgres, is_sample: bool) -> bool {
    let (length, people, calls) = if is_sample { (6, 8, 240) } else { (120, 40, 10_000) };
    let load = Load { calls, people, length: Duration::from_secs(length) };
    let more: &[(&str, &str)] = if is_sample { &[("LEASE_MS", "10000")] } else { &[] };
    println!(
        "| one of four processes each second | provider | ended | grants lost | of these with their request in flight at a kill | at how many kills | calls | served | connection broke | refused, with the reason | refreshes | at once for a grant | reuses seen |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut is_right = true;
    for (name, signal, has_leeway) in [
        ("SIGTERM", Signal::Terminate, false),
        ("SIGKILL", Signal::Kill, false),
        ("SIGKILL", Signal::Kill, true),
    ] {
        let store = schema(database, &format!("of_{}_{has_leeway}", name.to_lowercase()));
        let kills = Kills { program, store: &store, more, signal, has_leeway, load };
        let outcome = kills.run().await;
        let (tally, counts) = (&outcome.tally, &outcome.counts);
        let refused: usize = tally.refused.values().sum();
        let broken: usize = tally.broken.values().sum();
        let provider = if has_leeway { "leeway of 30 s" } else { "reuse ends the grant" };
        println!(
            "| {name} | {provider} | {} | {} | {} | {} | {} | {} | {} | {refused} | {} | {} | {} |",
            outcome.kills,
            tally.lost.len(),
            outcome.matches.len(),
            outcome.kills_with_losses(),
            tally.served + broken + refused,
            tally.served,
            broken,
            counts.refreshes,
            counts.most_at_once,
            counts.reuses,
        );
        eprintln!(
            "longest call: {:?}; unanswered: {}; repeated: {}; sign-ins begun again: {}",
            tally.longest, counts.unanswered, counts.repeated, tally.begun_again
        );
        for (words, times) in tally.refused.iter().chain(&tally.broken) {
            eprintln!("{times} times: {words}");
        }
        for found in &outcome.matches {
            eprintln!(
                "grant {}: kill {} came {:?} after its request",
                found.grant, found.kill, found.in_flight
            );
        }
        for fault in outcome.faults(&kills) {
            eprintln!("WRONG: {fault}");
            is_right = false;
        }
    }
    println!();
    is_right
}

/// Kills at the crash points, on either store. Returns the table.
async fn points(program: &Path, database: &Postgres, is_sample: bool, seed: u64) -> String {
    let (kills, lease_ms) = if is_sample { (8, "8000") } else { (250, "3000") };
    let mut table = String::from(
        "| killed at random steps | kills | of a refresh | of a consent | of a disconnection | of a migration | acknowledged and lost | half-written and believed | refresh in flight, told so |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let folder = tempfile::tempdir().expect("a directory");
    let sqlite = FreshSqlite { folder, made: AtomicUsize::new(0) };
    let schemas = FreshSchema { database, made: AtomicUsize::new(0) };
    let store = schema(database, "points");
    let stores: [(&str, &str, &dyn FreshStore); 2] =
        [("SQLite", "", &sqlite), ("PostgreSQL", &store, &schemas)];
    // Most of the time a process starts or a lease is waited for, so both stores are tried at once.
    let tried = stores.map(|(_, store, fresh_store)| async move {
        Points { program, store, lease_ms, fresh_store }.run(kills, seed).await
    });
    for ((name, ..), tried) in stores.into_iter().zip(join_all(tried).await) {
        let [refresh, consent, disconnect, migration] = tried.by_kind;
        // A run in which something is lost or half-written ends before this.
        let row = format!(
            "| {name} | {} | {refresh} | {consent} | {disconnect} | {migration} | 0 | 0 | {} |\n",
            tried.kills, tried.lost
        );
        table.push_str(&row);
        if tried.repeated > 0 {
            eprintln!("{name}: {} calls were refused for a while, and made again", tried.repeated);
        }
    }
    table
}

/// Prints what the database has logged if the run fails: who ended it, for example.
struct LogOfFailure<'a>(&'a Postgres);

impl Drop for LogOfFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.0.log();
            let lines: Vec<_> = log.lines().collect();
            let newest = lines.len().saturating_sub(40);
            eprintln!("the log of PostgreSQL ends with:\n{}", lines[newest..].join("\n"));
        }
    }
}
