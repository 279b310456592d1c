//! The page of a server without a gate: calls need no token, and accounts are the local person's.

use std::process::Stdio;

use forge::{Config, person::Person};
use serde_json::json;

use super::{Inspected, command, response};

#[tokio::test]
async fn a_call_without_a_gate_connects_the_account_of_the_local_person() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut program = command(env!("CARGO_BIN_EXE_served"), data.path());
    program.env("FORGE_URL", forge.url()).env_remove("TOOLGATE_KEY").stderr(Stdio::null());
    let page = Inspected::run(program, data).await;
    let state = page.state().await;
    assert_eq!(state["server"]["access"], "open");
    assert_eq!(state["people"], json!([]));

    let issues = || json!({ "owner": "alice", "repo": "compass", "limit": 3 });
    let asked = page.call(None, "list_issues", issues()).await;
    assert_eq!(asked["status"], 200);
    assert_eq!(response(&asked)["result"]["resultType"], "input_required", "{asked}");
    page.events_until("\"event\":\"link_made\"").await;
    let done = page.act(json!({ "act": "connect", "provider": "forge" })).await;
    let link = done["open"].as_str().unwrap();
    let landed = Person::new("alice").approve(link).await.unwrap();
    assert!(landed.body.contains("is connected"), "{}", landed.body);
    page.events_until("\"event\":\"grant_made\"").await;
    let answered = page.call(None, "list_issues", issues()).await;
    assert!(response(&answered)["result"]["structuredContent"].is_object(), "{answered}");

    let signed_in = page.try_act(json!({ "act": "sign_in" })).await;
    assert_eq!(signed_in.status(), 400);
    page.act(json!({ "act": "disconnect", "provider": "forge" })).await;
    let asked = page.call(None, "list_issues", issues()).await;
    assert_eq!(response(&asked)["result"]["resultType"], "input_required", "{asked}");
}
