//! Migration from SQLite to PostgreSQL while a server uses the source.

use std::{
    os::unix::process::ExitStatusExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use forge::{Config, Running, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    postgres::Postgres,
};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::served;

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

fn program(forge: &Running, store: &str) -> Command {
    let mut command = served::program(forge);
    command
        .env("TOOLGATE_STORE", store)
        .env("TOOLGATE_KEY", KEY)
        // So that the rows are the grants.
        .env("TOOLGATE_AUDIT_RETENTION", "0");
    command
}

async fn start(forge: &Running, store: &str) -> (Child, String) {
    let (child, address) = served::over_http(program(forge, store)).await;
    (child, format!("http://{address}/mcp"))
}

/// Connects the account of the person at this machine.
async fn connect(mcp: &str) {
    let asked = post_call(mcp, "list_issues", ISSUES).await;
    Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
}

async fn migrate(forge: &Running, from: &str, to: &str, more: &[&str]) -> (bool, String) {
    let output = program(forge, from)
        .args(["admin", "migrate", from, to])
        .args(more)
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn is_done(answer: &Value) -> bool {
    answer["result"]["isError"] == false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_grant_is_lost_when_a_database_moves_while_its_server_refreshes() {
    let Some(database) = Postgres::start() else { return };
    let ttl = Duration::from_secs(3);
    let forge = forge::start(Config::default().access_ttl(ttl)).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (source, target) = (format!("sqlite:{}", data.path().display()), database.url());
    let (old, mcp) = start(&forge, &source).await;
    connect(&mcp).await;

    // Under load, with tokens that are renewed every few seconds, until the source is closed.
    // The server's own variable names the target.
    let mut prepared = program(&forge, &target);
    let prepared =
        prepared.args(["admin", "migrate", &source, "--prepare"]).output().await.unwrap();
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    let is_over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (mcp, is_over) = (mcp.clone(), Arc::clone(&is_over));
        async move {
            let mut done = 0;
            while !is_over.load(Ordering::Relaxed) {
                done += usize::from(is_done(&post_call(&mcp, "list_issues", ISSUES).await));
            }
            done
        }
    });
    while forge.counts().refreshes < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (refused, said) = {
        let output = program(&forge, &target).args(["admin", "list"]).output().await.unwrap();
        (!output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert!(
        refused && said.contains("has not all rows"),
        "no server uses a half-written one: {said}"
    );
    let (moved, said) = migrate(&forge, &source, &target, &[]).await;
    assert!(moved && said.contains("takes no more writes") && said.contains("done."), "{said}");
    is_over.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() >= 3);

    // The old server renews nothing any more; the new one has what was renewed last.
    while is_done(&post_call(&mcp, "list_issues", ISSUES).await) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = forge.counts();
    let (_new, moved_to) = start(&forge, &target).await;
    let answer = post_call(&moved_to, "list_issues", ISSUES).await;
    assert!(is_done(&answer), "{answer}");
    let after = forge.counts();
    assert!(after.refreshes > before.refreshes && after.refreshes_refused == 0, "{after:?}");
    assert_eq!(after.codes, 1, "nobody is asked again");
    drop(old);

    let (again, said) = migrate(&forge, &source, &target, &[]).await;
    assert!(!again && said.contains("has all rows already"), "{said}");
    let output = program(&forge, &source).args(["--http", "127.0.0.1:0"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("its rows are in"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_is_given_up_leaves_the_source_as_it_was() {
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (source, target) = (format!("sqlite:{}", data.path().display()), database.url());
    let (_old, mcp) = start(&forge, &source).await;
    connect(&mcp).await;
    let (moved, said) = migrate(&forge, &source, &target, &["--json"]).await;
    assert!(moved, "{said}");
    forge.expire_access_tokens();
    assert!(!is_done(&post_call(&mcp, "list_issues", ISSUES).await));
    let (cancelled, said) = migrate(&forge, &source, &target, &["--cancel"]).await;
    assert!(cancelled, "{said}");
    let answer = post_call(&mcp, "list_issues", ISSUES).await;
    assert!(is_done(&answer), "{answer}");
    // What the target has is old now, and is brought up to date by the next one.
    let (moved, said) = migrate(&forge, &source, &target, &[]).await;
    assert!(moved && said.contains("1 copied"), "{said}");
    let (_new, moved_to) = start(&forge, &target).await;
    assert!(is_done(&post_call(&moved_to, "list_issues", ISSUES).await));
    assert_eq!(forge.counts().codes, 1);
}

#[tokio::test]
async fn only_an_empty_database_takes_the_rows_of_another_one() {
    let Some(database) = Postgres::start() else { return };
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (source, target) = (format!("sqlite:{}", data.path().display()), database.url());
    let (nothing, said) = migrate(&forge, &source, &target, &[]).await;
    assert!(!nothing && said.contains("has no database"), "{said}");
    let (_old, mcp) = start(&forge, &source).await;
    post_call(&mcp, "list_issues", ISSUES).await;
    let (_new, mcp) = start(&forge, &target).await;
    post_call(&mcp, "list_issues", ISSUES).await;
    let (mixed, said) = migrate(&forge, &source, &target, &[]).await;
    assert!(!mixed && said.contains("name an empty database"), "{said}");
    assert!(!said.contains(KEY));
    let (backwards, said) = migrate(&forge, &target, &source, &[]).await;
    assert!(!backwards && said.contains("sqlite:DIRECTORY"), "{said}");
}

/// A migration that was killed, of a database with one grant, which its server goes on to use.
struct Killed {
    forge: Running,
    source: String,
    target: String,
    server: Child,
    mcp: String,
    _database: Postgres,
    _data: tempfile::TempDir,
}

impl Killed {
    /// `None`: PostgreSQL is not installed.
    async fn at(step: &str) -> Option<Self> {
        let database = Postgres::start()?;
        let forge = forge::start(Config::default()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let (source, target) = (format!("sqlite:{}", data.path().display()), database.url());
        let (server, mcp) = start(&forge, &source).await;
        connect(&mcp).await;
        let mut command = program(&forge, &source);
        command.args(["admin", "migrate", &source, &target]).env("TOOLGATE_CRASH_POINT", step);
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(9), "at {step}: {said}");
        Some(Self { forge, source, target, server, mcp, _database: database, _data: data })
    }

    /// Runs the migration again.
    async fn migrate(&self, more: &[&str]) -> (bool, String) {
        migrate(&self.forge, &self.source, &self.target, more).await
    }
}

/// Whether a server starts on this database.
async fn starts(forge: &Running, store: &str) -> bool {
    program(forge, store).args(["admin", "list"]).output().await.unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_was_killed_at_any_step_goes_on_and_nobody_is_asked_again() {
    for step in
        ["relocation.copied", "relocation.closed", "relocation.complete", "relocation.target_open"]
    {
        let Some(killed) = Killed::at(step).await else { return };
        let forge = &killed.forge;
        let is_complete = step == "relocation.target_open";
        assert_eq!(
            starts(forge, &killed.target).await,
            is_complete,
            "{step}: no half of a database"
        );
        let (moved, said) = killed.migrate(&[]).await;
        assert!(moved || said.contains("has all rows already"), "{step}: {said}");
        assert!(!starts(forge, &killed.source).await, "{step}: the rows are elsewhere");
        drop(killed.server);
        forge.expire_access_tokens();
        let (_new, moved_to) = start(forge, &killed.target).await;
        let answer = post_call(&moved_to, "list_issues", ISSUES).await;
        assert!(is_done(&answer), "{step}: {answer}");
        let counts = forge.counts();
        assert_eq!((counts.codes, counts.refreshes_refused), (1, 0), "{step}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_was_killed_is_given_up_and_the_source_goes_on() {
    for step in ["relocation.copied", "relocation.closed", "relocation.complete"] {
        let Some(killed) = Killed::at(step).await else { return };
        let forge = &killed.forge;
        let (cancelled, said) = killed.migrate(&["--cancel"]).await;
        assert!(cancelled, "{step}: {said}");
        forge.expire_access_tokens();
        let answer = post_call(&killed.mcp, "list_issues", ISSUES).await;
        assert!(is_done(&answer), "{step}: {answer}");
        assert!(!starts(forge, &killed.target).await, "{step}: its rows are old");
        assert_eq!(forge.counts().codes, 1, "{step}");
    }
}
