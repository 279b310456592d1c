//! `admin`: the subcommand of a server's own program, on SQLite, while a server runs.

use std::path::Path;

use forge::{Config, Running, person::Person};
use integration::client::{link_in, params, text};
use rmcp::{RoleClient, ServiceExt, service::RunningService, transport::TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::served::program;

const KEYS: [&str; 2] = [
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=",
];

fn served(forge: &Running, data: &Path, keys: &str) -> Command {
    let mut command = program(forge);
    command.env("TOOLGATE_DATA", data).env("TOOLGATE_KEYS", keys);
    command
}

/// What a command prints as JSON, and whether it succeeded.
async fn admin(forge: &Running, data: &Path, keys: &str, words: &[&str]) -> (bool, Vec<Value>) {
    let output = served(forge, data, keys).arg("admin").args(words).arg("--json").output();
    let output = output.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
    let lines: Vec<Value> = lines.collect();
    (output.status.success(), lines)
}

type Client = RunningService<RoleClient, ()>;

async fn connect(forge: &Running, data: &Path, keys: &str) -> Client {
    let mut command = served(forge, data, keys);
    command.arg("--stdio");
    ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap()
}

async fn call(client: &Client) -> rmcp::model::CallToolResult {
    let arguments = json!({ "owner": "alice", "repo": "compass", "limit": 1 });
    client.call_tool(params("list_issues", arguments)).await.unwrap()
}

async fn connected(forge: &Running, data: &Path, keys: &str) -> Client {
    let client = connect(forge, data, keys).await;
    let link = link_in(&text(&call(&client).await));
    Person::new("alice").approve(&link).await.unwrap();
    assert_eq!(call(&client).await.is_error, Some(false));
    client
}

#[tokio::test]
async fn grants_are_listed_without_tokens_and_revoked_at_the_provider_while_a_server_runs() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connected(&forge, data.path(), KEYS[0]).await;
    let (_, listed) = admin(&forge, data.path(), KEYS[0], &["list"]).await;
    let [grant] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&grant["provider"], &grant["state"]), (&json!("forge"), &json!("live")), "{grant}");
    assert_eq!(grant["scopes"], json!(["repo:read"]));
    assert!(
        grant["expires_at"].as_u64().is_some() && grant["has_refresh_token"] == true,
        "{grant}"
    );
    let person = grant["person"].as_str().unwrap();
    let (_, shown) = admin(&forge, data.path(), KEYS[0], &["show", person]).await;
    assert_eq!(shown, listed);
    let (_, other) = admin(&forge, data.path(), KEYS[0], &["show", "bob"]).await;
    assert!(other.is_empty());
    let (found, _) = admin(&forge, data.path(), KEYS[0], &["revoke", "bob"]).await;
    assert!(!found);

    let (_, revoked) = admin(&forge, data.path(), KEYS[0], &["revoke", person, "forge"]).await;
    assert_eq!(revoked[0]["outcome"], "revoked", "{revoked:?}");
    assert!(forge.counts().revocations > 0);
    let asked = call(&client).await;
    assert!(text(&asked).contains("/connect/"), "the server asks again: {}", text(&asked));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_of_a_person_is_gone_and_what_is_kept_is_said() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connected(&forge, data.path(), KEYS[0]).await;
    client.cancel().await.unwrap();
    let (_, listed) = admin(&forge, data.path(), KEYS[0], &["list"]).await;
    let person = listed[0]["person"].as_str().unwrap();
    let (done, said) = admin(&forge, data.path(), KEYS[0], &["delete", person]).await;
    assert!(done && said.iter().any(|line| line["kept"].is_string()), "{said:?}");
    let (_, listed) = admin(&forge, data.path(), KEYS[0], &["list"]).await;
    assert!(listed.is_empty(), "{listed:?}");
    let (sound, said) = admin(&forge, data.path(), KEYS[0], &["verify"]).await;
    assert!(sound, "{said:?}");
    let kinds = said.iter().filter_map(|line| line["kind"].as_str());
    let rows = kinds.filter(|kind| *kind != "audit").count();
    assert_eq!(rows, 0, "nothing of the person is left: {said:?}");
    let (_, audit) = admin(&forge, data.path(), KEYS[0], &["export-audit"]).await;
    assert!(audit.iter().any(|entry| entry["event"] == "account_connected"), "{audit:?}");
    let subjects: Vec<_> = audit.iter().filter_map(|entry| entry["subject"].as_str()).collect();
    assert!(subjects.iter().all(|subject| subject.starts_with("deleted-")), "{audit:?}");
    assert!(subjects.iter().all(|subject| *subject == subjects[0]), "still one person: {audit:?}");
}

#[tokio::test]
async fn rows_are_sealed_again_and_a_damaged_one_is_named() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connected(&forge, data.path(), KEYS[0]).await;
    let both = format!("{},{}", KEYS[1], KEYS[0]);
    // The server goes on with the key before.
    let (done, _) = admin(&forge, data.path(), &both, &["rotate-keys"]).await;
    assert!(done);
    client.cancel().await.unwrap();
    // What it has written since, under the key that it has.
    let (done, _) = admin(&forge, data.path(), &both, &["rotate-keys"]).await;
    assert!(done);
    let (sound, said) = admin(&forge, data.path(), KEYS[1], &["verify"]).await;
    assert!(sound, "{said:?}");
    assert_eq!(said.iter().filter(|line| line["key"].is_string()).count(), 1, "{said:?}");
    let client = connect(&forge, data.path(), KEYS[1]).await;
    assert_eq!(call(&client).await.is_error, Some(false));
    client.cancel().await.unwrap();

    let database = rusqlite::Connection::open(data.path().join("grants.db")).unwrap();
    let sealed = database.query_row("SELECT sealed FROM grants", [], |row| row.get(0));
    let mut sealed: Vec<u8> = sealed.unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    assert_eq!(database.execute("UPDATE grants SET sealed = ?", [sealed]).unwrap(), 1);
    let (sound, said) = admin(&forge, data.path(), KEYS[1], &["verify"]).await;
    assert!(!sound);
    assert!(said[0]["fault"].as_str().unwrap().contains("damaged"), "{said:?}");
}

#[tokio::test]
async fn the_audit_says_who_connected_refreshed_and_revoked_what_and_has_no_token() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connected(&forge, data.path(), KEYS[0]).await;
    forge.expire_access_tokens();
    assert_eq!(call(&client).await.is_error, Some(false));
    client.cancel().await.unwrap();
    let (_, listed) = admin(&forge, data.path(), KEYS[0], &["list"]).await;
    let person = listed[0]["person"].as_str().unwrap();
    admin(&forge, data.path(), KEYS[0], &["revoke", person]).await;

    let mut command = served(&forge, data.path(), KEYS[0]);
    let output = command.args(["admin", "export-audit"]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let entries: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    let expected = [
        "consent_asked",
        "account_connected",
        "token_refreshed",
        "grants_listed",
        "account_disconnected",
    ];
    assert_eq!(events, expected, "in order, as JSON lines: {said}");
    let [_, connected, refreshed, listed, disconnected] = &entries[..] else { panic!("{said}") };
    assert_eq!((&connected["subject"], &connected["provider"]), (&person.into(), &"forge".into()));
    assert_eq!(connected["scopes"], json!(["repo:read"]));
    assert_eq!(refreshed["subject"], person);
    assert_eq!(listed["by"], "operator");
    assert_eq!(
        (&disconnected["by"], &disconnected["outcome"]),
        (&"operator".into(), &"revoked".into())
    );
    let time = connected["time"].as_str().unwrap();
    assert!(
        said.starts_with("{\"time\":\"20") && time.ends_with('Z') && time.len() == 24,
        "{time}"
    );
    assert!(!said.contains("token\":") && !said.contains("code\":"), "{said}");

    let select = async |words: &[&str]| {
        let words = [&["export-audit"], words].concat();
        admin(&forge, data.path(), KEYS[0], &words).await.1.len()
    };
    assert_eq!(select(&["--subject", person]).await, 4);
    assert_eq!(select(&["--subject", "bob"]).await, 0);
    assert_eq!(select(&["--since", "2200-01-01"]).await, 0);
    assert_eq!(select(&["--until", time, "--subject", person]).await, 1, "what was before");
    let (understood, _) =
        admin(&forge, data.path(), KEYS[0], &["export-audit", "--since", "7"]).await;
    assert!(!understood);
}

#[tokio::test]
async fn without_a_retention_no_audit_is_kept() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut command = served(&forge, data.path(), KEYS[0]);
    command.arg("--stdio").env("TOOLGATE_AUDIT_RETENTION", "0");
    let client = ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap();
    let link = link_in(&text(&call(&client).await));
    Person::new("alice").approve(&link).await.unwrap();
    client.cancel().await.unwrap();
    let (done, entries) = admin(&forge, data.path(), KEYS[0], &["export-audit"]).await;
    assert!(done && entries.is_empty(), "{entries:?}");
}
