//! Clocks that are wrong by an hour: a replica's, or the database's.

use std::{path::Path, process::Stdio, time::Duration};

use forge::{Config, person::Person};
use futures::future::join_all;
use integration::{
    client::{link_in, post_call, text_of},
    ports::free_port,
    postgres::Postgres,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use toolgate::grant::{Clock, Grant, GrantKey, GrantStore, HolderId, Namespace, Records, Revision};

use super::store;

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;
const HOUR: Duration = Duration::from_secs(3600);

/// The library that sets the clock of a process, of Debian's package `faketime`.
fn faketime() -> Option<String> {
    let found = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().find_map(|folder| {
        let library = folder.path().join("faketime/libfaketime.so.1");
        library.exists().then(|| library.display().to_string())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("TOOLGATE_TEST_POSTGRES").is_none(),
            "faketime is not installed, and TOOLGATE_TEST_POSTGRES is set"
        );
        eprintln!("skipped: faketime is not installed (on Debian: apt-get install faketime)");
    }
    found
}

/// Three replicas: one whose clock is right, one that is an hour behind, and one that is an hour ahead.
async fn three(faketime: &str, folder: &Path, forge: &str, database: &Postgres) -> Vec<Replica> {
    let public = format!("127.0.0.1:{}", free_port());
    let mut replicas = Vec::new();
    for (name, clock) in [("right", "+0"), ("behind", "-1h"), ("ahead", "+1h")] {
        let file = folder.join(name);
        std::fs::write(&file, clock).unwrap();
        let address = if replicas.is_empty() { &*public } else { "127.0.0.1:0" };
        let (clock, places) = ((faketime, &*file), (address, &*public));
        replicas.push(Replica::start(clock, places, (forge, database)).await);
    }
    replicas
}

/// A replica whose clock is as the file `clock` says, such as `+1h`.
struct Replica {
    mcp: String,
    _process: Child,
    said: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
}

impl Replica {
    /// `public`: the address of all of them, at which the first listens.
    async fn start(
        (faketime, clock): (&str, &Path),
        (address, public): (&str, &str),
        (forge, database): (&str, &Postgres),
    ) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_served"));
        program
            .args(["--http", address])
            .env("FORGE_URL", forge)
            .env("TOOLGATE_STORE", database.url())
            .env("TOOLGATE_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
            .env("TOOLGATE_PUBLIC_URL", format!("http://{public}"))
            .env("LD_PRELOAD", faketime)
            .env("FAKETIME_TIMESTAMP_FILE", clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = program.spawn().unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut line = String::new();
        while !line.contains("listens on") {
            line = printed.next_line().await.unwrap().expect("it starts");
        }
        tokio::spawn(async move { while let Ok(Some(_)) = printed.next_line().await {} });
        let at = line.find("http://").unwrap_or_else(|| panic!("{line}"));
        let url = line[at..].split_whitespace().next().unwrap();
        let mcp = format!("{}/mcp", url.trim_end_matches("/mcp").trim_end_matches('/'));
        Self { mcp, _process: process, said }
    }

    /// Waits for a line of the log.
    async fn says(&mut self, part: &str) -> String {
        while let Some(line) = self.said.next_line().await.unwrap() {
            if line.contains(part) {
                return line;
            }
        }
        panic!("it did not say `{part}`");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_whose_clocks_differ_by_an_hour_refresh_once() {
    let Some(faketime) = faketime() else { return };
    let Some(database) = Postgres::start() else { return };
    // They outlast the hour by which the clocks differ.
    let forge = forge::start(Config::default().access_ttl(3 * HOUR)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = three(&faketime, folder.path(), forge.url(), &database).await;
    let ask = |at: usize| {
        let mcp = replicas[at].mcp.clone();
        tokio::spawn(async move { post_call(&mcp, "list_issues", ISSUES).await })
    };
    let link = link_in(&text_of(&ask(0).await.unwrap()));
    Person::new("alice").approve(&link).await.unwrap();
    for (refreshes, first) in (1..).zip(0..3) {
        forge.expire_access_tokens();
        let held = forge.faults().hold_token();
        let mut calls = vec![ask(first)];
        held.reached(1).await;
        calls.extend([ask((first + 1) % 3), ask((first + 2) % 3)]);
        // All of them have asked for the lease.
        database.wait_for(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO toolgate_leases%' \
             GROUP BY 1 HAVING count(*) >= 2",
        );
        drop(held);
        for answer in join_all(calls).await {
            let answer = answer.unwrap();
            assert_eq!(answer["result"]["isError"], false, "{first}: {answer}");
        }
        let counts = forge.counts();
        assert_eq!((counts.refreshes, counts.refreshes_refused), (refreshes, 0), "{first}");
    }
    let line = replicas[1].says("the clock of this machine").await;
    assert!(line.contains("behind_s=3"), "{line}");
    let line = replicas[2].says("the clock of this machine").await;
    assert!(line.contains("ahead_s=3"), "{line}");
    // It is set right while it runs.
    std::fs::write(folder.path().join("behind"), "+0").unwrap();
    forge.expire_access_tokens();
    assert_eq!(
        post_call(&replicas[1].mcp, "list_issues", ISSUES).await["result"]["isError"],
        false
    );
    replicas[1].says("is the database's again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_clock_is_ahead_does_not_renew_a_token_that_is_good() {
    let Some(faketime) = faketime() else { return };
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default().access_ttl(HOUR)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let replicas = three(&faketime, folder.path(), forge.url(), &database).await;
    let asked = post_call(&replicas[0].mcp, "list_issues", ISSUES).await;
    Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
    for replica in replicas.iter().chain(&replicas) {
        let answer = post_call(&replica.mcp, "list_issues", ISSUES).await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    assert_eq!(forge.counts().refreshes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_by_an_hour_loses_nothing() {
    let Some(database) = Postgres::start() else { return };
    let (store, clock) = store(&database).await;
    let now = clock.now();
    let key = GrantKey::new("alice", "forge");
    let grant = Grant::new("token", now).refresh_token("refresh").expires_in(2 * HOUR);
    store.save(&key, &grant, Revision::ABSENT).await.unwrap();
    let space = Namespace::new("test", 9);
    let minutes = Duration::from_secs(600);
    store.write(space, "link", b"value", now + minutes, Revision::ABSENT).await.unwrap();
    store.lease(&key, HolderId::random(), Duration::from_secs(30)).await.unwrap().unwrap();
    // Forward: what is good for minutes has expired, and the lease of one that died is free.
    clock.set(now + HOUR);
    assert!(store.read(space, "link").await.unwrap().is_none());
    let holder = HolderId::random();
    let lease = store.lease(&key, holder, Duration::from_secs(30)).await.unwrap();
    assert!(lease.is_some());
    assert!(store.load(&key).await.unwrap().is_some());
    // Back again: what nobody has removed since is there, and a lease until an hour from now is none.
    clock.set(now);
    assert!(store.read(space, "link").await.unwrap().is_some());
    let lease = store.lease(&key, HolderId::random(), Duration::from_secs(30)).await.unwrap();
    assert!(lease.is_some());
    clock.set(now - HOUR);
    let lease = store.lease(&key, HolderId::random(), Duration::from_secs(30)).await.unwrap();
    assert!(lease.is_some());
    store.write(space, "new", b"value", clock.now() + minutes, Revision::ABSENT).await.unwrap();
    assert!(store.read(space, "new").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_at_a_replica_whose_clock_is_an_hour_behind() {
    let Some(faketime) = faketime() else { return };
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let replicas = three(&faketime, folder.path(), forge.url(), &database).await;
    let mut links = Vec::new();
    for replica in &replicas[..2] {
        let link = link_in(&text_of(&post_call(&replica.mcp, "list_issues", ISSUES).await));
        links.push(link.rsplit_once('/').unwrap().1.to_owned());
    }
    assert_eq!(links[0], links[1]);
    // One that is ahead takes the link for an old one, and gives one of its own.
    let asked = text_of(&post_call(&replicas[2].mcp, "list_issues", ISSUES).await);
    assert!(asked.contains("/connect/"), "{asked}");
}
