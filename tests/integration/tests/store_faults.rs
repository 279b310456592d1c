//! What happens to the store: a server that is killed, a file that is damaged, a key that is gone.

use std::path::{Path, PathBuf};

use forge::{Config, Running, person::Person};
use futures::future::join_all;
use integration::client::{link_in, params, text};
use rmcp::{RoleClient, ServiceExt, service::RunningService, transport::TokioChildProcess};
use serde_json::json;
use tokio::process::Command;

use crate::served::program_in;

type Client = RunningService<RoleClient, ()>;

fn served(forge: &Running, data: &Path) -> Command {
    let mut command = program_in(forge, data);
    command.arg("--stdio");
    command
}

async fn connect(forge: &Running, data: &Path) -> (Client, u32) {
    client_of(served(forge, data)).await
}

async fn client_of(served: Command) -> (Client, u32) {
    let process = TokioChildProcess::new(served).unwrap();
    let id = process.id().unwrap();
    (().serve(process).await.unwrap(), id)
}

fn issues() -> rmcp::model::CallToolRequestParams {
    params("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 3 }))
}

async fn list(client: &Client) -> String {
    text(&client.call_tool(issues()).await.unwrap())
}

async fn consent(client: &Client) {
    let page = Person::new("alice").approve(&link_in(&list(client).await)).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    assert!(list(client).await.contains("number"));
}

async fn kill_now(process: u32) {
    let killed = Command::new("kill").args(["-9", &process.to_string()]).status().await.unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_refreshes_loses_no_grant() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    // The lease of the process that is killed is waited for; half of it has to be enough to kill it.
    let leased = || {
        let mut command = served(&forge, data.path());
        command.env("LEASE_MS", "12000");
        client_of(command)
    };
    let (client, process) = leased().await;
    consent(&client).await;
    forge.expire_access_tokens();
    let held = forge.faults().hold_token();
    let (broken, ()) = tokio::join!(client.call_tool(issues()), async {
        held.reached(1).await;
        kill_now(process).await;
    });
    assert!(broken.is_err(), "nobody answers any more");
    drop(held);

    let (client, _) = leased().await;
    let listed = list(&client).await;
    assert!(listed.contains("number"), "nobody is asked again: {listed}");
    assert_eq!(forge.counts().codes, 1);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_killed_before_it_stores_a_rotated_token_says_so_when_it_is_back() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (client, process) = connect(&forge, data.path()).await;
    consent(&client).await;
    forge.expire_access_tokens();
    // The provider has rotated the token when the server dies, and the answer never came.
    forge.faults().token_drop(1);
    let _ = client.call_tool(issues()).await;
    kill_now(process).await;

    let (client, _) = connect(&forge, data.path()).await;
    let asked = list(&client).await;
    assert!(asked.contains("has to be connected again"), "{asked}");
    consent(&client).await;
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn two_servers_on_one_store_refresh_once() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (one, _) = connect(&forge, data.path()).await;
    let (other, _) = connect(&forge, data.path()).await;
    consent(&one).await;
    assert!(list(&other).await.contains("number"), "what one stores the other reads");
    forge.expire_access_tokens();
    let held = forge.faults().hold_token();
    let calls = (0..100).map(|n| list(if n % 2 == 0 { &one } else { &other }));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        held.reached(1).await;
        drop(held);
    });
    assert!(answers.iter().all(|answer| answer.contains("number")), "{answers:?}");
    assert_eq!(forge.counts().refreshes, 1);
    assert_eq!(forge.counts().refreshes_refused, 0);
    one.cancel().await.unwrap();
    other.cancel().await.unwrap();
}

/// A store with a grant in it.
async fn filled(forge: &Running) -> (tempfile::TempDir, PathBuf) {
    let data = tempfile::tempdir().unwrap();
    let (client, _) = connect(forge, data.path()).await;
    consent(&client).await;
    client.cancel().await.unwrap();
    let database = data.path().join("grants.db");
    (data, database)
}

/// Starts the server, which has to refuse, and returns what it says.
async fn refused(forge: &Running, data: &Path) -> String {
    let output = served(forge, data).output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[tokio::test]
async fn a_damaged_store_is_left_as_it_is() {
    let forge = forge::start(Config::default()).await.unwrap();
    let (data, database) = filled(&forge).await;
    let damaged = b"this is no database, whatever its name says".repeat(100);
    std::fs::write(&database, &damaged).unwrap();
    let said = refused(&forge, data.path()).await;
    assert!(said.contains("grants.db"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), damaged);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_as_it_is() {
    let forge = forge::start(Config::default()).await.unwrap();
    let (data, database) = filled(&forge).await;
    let mut newer = std::fs::read(&database).unwrap();
    // `user_version` of SQLite's header.
    newer[60..64].copy_from_slice(&9_000_u32.to_be_bytes());
    std::fs::write(&database, &newer).unwrap();
    let said = refused(&forge, data.path()).await;
    assert!(said.contains("newer"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), newer);
}

#[tokio::test]
async fn without_its_key_a_store_is_left_as_it_is() {
    let forge = forge::start(Config::default()).await.unwrap();
    let (data, database) = filled(&forge).await;
    let before = std::fs::read(&database).unwrap();
    let key = std::fs::read_dir(data.path().join("toolgate"))
        .expect("it is in the directory for configuration")
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".key"))
        .expect("a key file");
    std::fs::remove_file(&key).unwrap();
    let said = refused(&forge, data.path()).await;
    assert!(said.contains("key"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
    assert!(!key.exists(), "no other key took its place");
}
