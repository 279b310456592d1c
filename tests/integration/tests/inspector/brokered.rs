//! The page with a broker: a newcomer's way from nobody to an authenticated call.

use integration::broker::Browser;
use serde_json::json;

use super::{Inspected, response};

async fn start() -> Inspected {
    Inspected::of(env!("CARGO_BIN_EXE_brokered"), tempfile::tempdir().unwrap()).await
}

fn issues() -> serde_json::Value {
    json!({ "owner": "alice", "repo": "compass", "limit": 3 })
}

#[tokio::test]
async fn a_newcomer_signs_in_and_calls() {
    let page = start().await;
    let state = page.state().await;
    assert_eq!(state["server"]["access"], "broker");
    assert_eq!(state["people"], json!([]));
    let refused = page.call(None, "list_issues", issues()).await;
    assert_eq!(refused["status"], 401);
    page.events_until("\"check\":\"presence\"").await;

    let done = page.act(json!({ "act": "sign_in" })).await;
    let landed = Browser::new().sign_in(done["open"].as_str().unwrap(), "alice").await;
    assert_eq!(landed.status, 200, "{}", landed.body);
    assert!(landed.url.path() == "/inspector/callback", "{}", landed.url);
    assert!(landed.body.contains("You are signed in"), "{}", landed.body);
    page.events_until("\"event\":\"tokens_issued\"").await;

    let state = page.state().await;
    let person = &state["people"][0];
    assert_eq!(person["name"], "alice", "{person}");
    assert_eq!(person["access"]["list_issues"]["state"], "callable", "{person}");
    assert_eq!(person["accounts"][0]["connected"], true, "{person}");
    let id = person["id"].as_str().unwrap();
    let answered = page.call(Some(id), "list_issues", issues()).await;
    assert_eq!(answered["status"], 200, "{answered}");
    assert!(response(&answered)["result"]["structuredContent"].is_object(), "{answered}");
    let events = page.events_until("\"event\":\"upstream_request\"").await;
    assert!(events.contains("/repos/{}/{}/issues"), "{events}");
    for secret in ["code=tgc_", "tgr_", ".eyJ"] {
        assert!(!events.contains(secret), "{secret} is in: {events}");
    }
}

#[tokio::test]
async fn a_missing_scope_is_asked_for_by_a_sign_in() {
    let page = start().await;
    let browser = Browser::new();
    let done = page.act(json!({ "act": "sign_in", "scopes": ["repo:read"] })).await;
    browser.sign_in(done["open"].as_str().unwrap(), "alice").await;
    let id = page.state().await["people"][0]["id"].as_str().unwrap().to_owned();
    let arguments = json!({ "owner": "alice", "repo": "compass", "title": "The needle sticks" });
    let refused = page.call(Some(&id), "open_issue", arguments.clone()).await;
    assert_eq!(refused["status"], 403);
    let widen = json!({ "act": "widen", "person": id, "scopes": ["repo:write"] });
    let done = page.act(widen).await;
    let landed = browser.sign_in(done["open"].as_str().unwrap(), "alice").await;
    assert!(landed.body.contains("You are signed in"), "{}", landed.body);
    let answered = page.call(Some(&id), "open_issue", arguments).await;
    assert_eq!(answered["status"], 200, "{answered}");
}

#[tokio::test]
async fn a_sign_in_that_is_denied_says_so() {
    let page = start().await;
    let done = page.act(json!({ "act": "sign_in" })).await;
    let browser = Browser::new();
    let consent = browser.open(done["open"].as_str().unwrap()).await;
    let consent = browser.at_forge(consent, "alice", "deny").await;
    let landed =
        if consent.is_consent() { browser.decide(&consent, "deny").await } else { consent };
    assert_eq!(landed.status, 400, "{}", landed.body);
    assert!(landed.body.contains("refused"), "{}", landed.body);
    assert_eq!(page.state().await["people"], json!([]));
}

#[tokio::test]
async fn tokens_of_the_broker_are_broken_and_renewed() {
    let page = start().await;
    let done = page.act(json!({ "act": "sign_in" })).await;
    Browser::new().sign_in(done["open"].as_str().unwrap(), "alice").await;
    let id = page.state().await["people"][0]["id"].as_str().unwrap().to_owned();
    for act in ["expire", "break_signature"] {
        page.act(json!({ "act": act, "person": id })).await;
        let refused = page.call(Some(&id), "list_issues", issues()).await;
        assert_eq!(refused["status"], 401, "{act}");
        page.act(json!({ "act": "renew", "person": id })).await;
        let answered = page.call(Some(&id), "list_issues", issues()).await;
        assert_eq!(answered["status"], 200, "{act}: {answered}");
    }
}

#[tokio::test]
async fn a_revoked_sign_in_is_renewed_no_more() {
    let page = start().await;
    let done = page.act(json!({ "act": "sign_in" })).await;
    Browser::new().sign_in(done["open"].as_str().unwrap(), "alice").await;
    let state = page.state().await;
    let id = state["people"][0]["id"].as_str().unwrap().to_owned();
    let faults = &state["people"][0]["token"]["faults"];
    assert_eq!(*faults, json!(["expire", "drop_scope", "revoke", "break_signature"]));
    let done = page.act(json!({ "act": "revoke", "person": id })).await;
    assert!(done["say"].as_str().unwrap().contains("until it expires"), "{done}");
    assert_eq!(page.state().await["people"][0]["token"]["fault"], "revoked");
    let refused = page.try_act(json!({ "act": "renew", "person": id })).await;
    assert!(refused.text().await.unwrap().contains("invalid_grant"));
}
