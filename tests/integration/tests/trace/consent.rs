//! A consent: from the call that needs it to the grant, and its ends without one.

use forge::{Config, person::Person};
use integration::{
    client::{Desk, Era, Mood, connect, link_in, params, post_call, text_of},
    deployment,
    host::Host,
    recorder::Recorder,
};
use serde_json::{Value, json};

use super::{assert_has, assert_order};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":3}"#;

#[tokio::test]
async fn a_consent_is_traced_from_the_call_to_the_grant() {
    let recorder = Recorder::default();
    let host = Host::observed(Config::default(), &recorder).await;
    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    assert_order(
        &recorder.names(),
        &["request_received", "link_made", "consent_needed", "call_ended"],
    );
    let call = recorder.one("call_ended");
    let ended = json!({ "outcome": "consent_asked", "error": "consent_needed", "caller": null });
    assert_has(&call, &ended);
    let needed = recorder.one("consent_needed");
    assert_eq!(needed["span"], call["span"]);
    assert_has(
        &needed,
        &json!({
            "tool": "list_issues",
            "provider": "forge",
            "reason": "not_connected",
            "missing": ["repo:read"],
            "held": [],
            "form": "text",
        }),
    );
    let made = recorder.one("link_made");
    assert_eq!(made["span"], needed["consent"]);
    assert_eq!(made["parent"], call["span"]);
    assert_has(&made, &json!({ "provider": "forge", "scopes": ["repo:read"] }));

    // The same link again is none that is made.
    post_call(&host.mcp(), "list_issues", ISSUES).await;
    assert_eq!(recorder.all("link_made").len(), 1);
    assert_eq!(recorder.all("consent_needed")[1]["consent"], needed["consent"]);

    recorder.clear();
    Person::new("alice").approve(&link_in(&text_of(&answer))).await.unwrap();
    let names = recorder.names();
    assert_eq!(
        names,
        [
            "link_opened",
            "authorization_requested",
            "callback_received",
            "code_exchanged",
            "grant_made",
        ]
    );
    for event in recorder.events() {
        assert_eq!(event["span"], needed["consent"], "{event}");
        // The replica that gave the link knows which call it was for.
        if deployment::replicas().is_none() {
            assert_eq!(event["parent"], call["span"], "{event}");
        }
    }
    assert_has(&recorder.one("link_opened"), &json!({ "provider": "forge", "by": "local" }));
    assert_has(
        &recorder.one("authorization_requested"),
        &json!({
            "flow": "consent",
            "provider": "forge",
            "origin": host.forge.url(),
            "scopes": ["repo:read"],
        }),
    );
    assert_has(
        &recorder.one("callback_received"),
        &json!({ "flow": "consent", "outcome": "code" }),
    );
    let exchanged = recorder.one("code_exchanged");
    let done = json!({ "outcome": "done", "status": null, "refresh_token": true });
    assert_has(&exchanged, &done);
    assert!(exchanged["expires_in_s"].as_u64().is_some(), "{exchanged}");
    let granted = json!({ "granted": ["repo:read"], "withheld": [] });
    assert_has(&recorder.one("grant_made"), &granted);

    recorder.clear();
    post_call(&host.mcp(), "list_issues", ISSUES).await;
    assert_order(&recorder.names(), &["tool_called", "upstream_request", "call_ended"]);
    let request = recorder.one("upstream_request");
    assert_has(
        &request,
        &json!({
            "provider": "forge",
            "method": "get",
            "path": "/repos/{}/{}/issues",
            "status": 200,
            "failure": null,
            "attempt": 1,
            "retried": "first",
            "origin": host.forge.url(),
        }),
    );
    assert_eq!(request["span"], recorder.one("call_ended")["span"]);
}

#[tokio::test]
async fn a_refusal_and_a_wider_scope_are_traced() {
    let recorder = Recorder::default();
    let host = Host::observed(Config::default(), &recorder).await;
    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    Person::new("alice").deny(&link_in(&text_of(&answer))).await.unwrap();
    assert_has(&recorder.one("callback_received"), &json!({ "outcome": "error" }));
    let failed = recorder.one("consent_failed");
    assert_has(&failed, &json!({ "provider": "forge", "reason": "access_denied" }));
    assert!(recorder.all("code_exchanged").is_empty());

    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    Person::new("alice").approve(&link_in(&text_of(&answer))).await.unwrap();
    recorder.clear();
    let delete = r#"{"owner":"alice","repo":"journal"}"#;
    post_call(&host.mcp(), "delete_repository", delete).await;
    let needed = json!({ "reason": "scopes", "missing": ["repo:delete"], "held": ["repo:read"] });
    assert_has(&recorder.one("consent_needed"), &needed);
}

#[tokio::test]
async fn a_prompt_in_the_modern_form_is_one_conversation() {
    let recorder = Recorder::default();
    let host = Host::observed(Config::default(), &recorder).await;
    let client = connect(&host.mcp(), Era::Modern, Desk::new("alice", Mood::Approves)).await;
    let arguments = json!({ "owner": "alice", "repo": "compass", "limit": 3 });
    let result = client.call_tool(params("list_issues", arguments)).await.unwrap();
    assert_eq!(result.is_error, Some(false));
    assert_has(&recorder.one("consent_needed"), &json!({ "form": "input_required" }));
    let outcomes: Vec<Value> =
        recorder.all("call_ended").iter().map(|event| event["outcome"].clone()).collect();
    assert_eq!(outcomes, ["consent_asked", "done"]);
    assert_order(
        &recorder.names(),
        &["consent_needed", "link_opened", "grant_made", "tool_called", "call_ended"],
    );
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_callback_of_another_browser_is_traced() {
    let recorder = Recorder::default();
    let host = Host::observed(Config::default(), &recorder).await;
    for (query, outcome) in
        [("", "no_state"), ("?state=a&state=b", "malformed"), ("?state=a&code=b", "no_cookie")]
    {
        recorder.clear();
        reqwest::get(format!("{}/callback/forge{query}", host.url)).await.unwrap();
        let received = json!({ "flow": "consent", "outcome": outcome });
        assert_has(&recorder.one("callback_received"), &received);
    }
}
