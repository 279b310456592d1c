//! Scopes, public tools and connected accounts: who may call what.

use std::{sync::Arc, time::SystemTime};

use integration::{
    client::{call_message, link_in, text_of},
    host::client_at,
    tools::list_issues,
};
use serde_json::{Value, json};
use toolgate::{gate::Gate, grant::ManualClock, prelude::*};

use super::{Guarded, Spelled, challenge};

#[tokio::test]
async fn scopes_decide_and_what_they_imply_counts() {
    let guarded = Guarded::start(|gate| gate).await;
    for (token, tool, status) in [
        ("alice.orders-read", "orders", 200),
        ("alice.orders-write", "orders", 200),
        ("alice.orders-write", "order", 200),
        ("alice.orders-read", "order", 403),
        ("alice.", "orders", 403),
        ("alice.", "hello", 200),
    ] {
        let response = guarded.call(token, tool, json!({})).await;
        assert_eq!(response.status(), status, "{token} {tool}");
    }
    let unknown: Value = guarded.call("alice.", "nothing", json!({})).await.json().await.unwrap();
    assert_eq!(unknown["error"]["code"], -32602, "a tool that is not there is no matter of scopes");
    let said = guarded.call("alice.orders-read", "orders", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "the orders of alice");
}

#[tokio::test]
async fn clients_of_2025_are_told_what_they_have_as_well() {
    let guarded = Guarded::start(|gate| gate).await;
    let body = call_message("order", json!({}));
    let modern = guarded.call("alice.mail", "order", json!({})).await;
    assert!(challenge(&modern).contains(r#"scope="orders:write""#), "{}", challenge(&modern));
    let legacy = guarded.post("alice.mail", &body, &[("mcp-protocol-version", "2025-11-25")]).await;
    assert_eq!(legacy.status(), 403);
    assert!(challenge(&legacy).contains(r#"scope="orders:write mail""#), "{}", challenge(&legacy));
}

#[tokio::test]
async fn what_is_called_is_what_the_body_says() {
    let guarded = Guarded::start(|gate| gate).await;
    let escaped =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"\u006frder"}}"#;
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","name":"order"}}"#;
    let nested = r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"order"}}"#;
    let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"order"}}"#;
    for version in ["2025-11-25", "2025-06-18", "2026-07-28", "nonsense", ""] {
        for body in [escaped, twice, nested, plain] {
            let mut request = reqwest::Client::new()
                .post(&guarded.url)
                .bearer_auth("alice.orders-read")
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "hello")
                .body(body);
            if !version.is_empty() {
                request = request.header("mcp-protocol-version", version);
            }
            let answer = request.send().await.unwrap().text().await.unwrap();
            assert!(!answer.contains("ordered for"), "{version} {body}: {answer}");
        }
    }
}

#[tokio::test]
async fn public_tools_need_no_token_and_the_others_do() {
    let guarded = Guarded::start(|gate| gate.allow_anonymous(true)).await;
    let said = guarded.call("", "hello", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "hello");
    let said = guarded.call("alice.x", "hello", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "hello alice");
    let refused = guarded.call("", "order", json!({})).await;
    assert_eq!(refused.status(), 401);
    assert!(challenge(&refused).contains(r#"scope="orders:write""#));
    let refused = guarded.call("", "list_issues", json!({ "owner": "a", "repo": "b" })).await;
    assert_eq!(refused.status(), 401, "whose account would it be?");
    let refused = guarded.call("nobody", "hello", json!({})).await;
    assert_eq!(refused.status(), 401, "a bad token is not no token");
}

#[tokio::test]
async fn hosts_that_read_results_only_are_told_there() {
    let guarded =
        Guarded::start(|gate| gate.allow_anonymous(true).challenge_in_results(true)).await;
    for (token, error) in [("", "invalid_token"), ("alice.orders-read", "insufficient_scope")] {
        let told = guarded.call(token, "order", json!({})).await;
        assert_eq!(told.status(), 200);
        let told: Value = told.json().await.unwrap();
        assert_eq!(told["result"]["isError"], true);
        let challenge = told["result"]["_meta"]["mcp/www_authenticate"][0].as_str().unwrap();
        assert!(challenge.contains(error) && challenge.contains("orders:write"), "{challenge}");
        assert!(challenge.contains("error_description"), "{challenge}");
    }
}

#[tokio::test]
async fn what_is_hidden_is_refused_too() {
    let guarded = Guarded::start(|gate| gate.hide_unauthorized_tools(true)).await;
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let modern = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    let listed: Value =
        guarded.post("alice.orders-read", &list, &modern).await.json().await.unwrap();
    let names: Vec<_> =
        listed["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["orders", "hello", "headers", "list_issues", "open_issue"]);
    assert_eq!(listed["result"]["cacheScope"], "private");
    let schemes = &listed["result"]["tools"][0]["_meta"]["securitySchemes"];
    assert_eq!(*schemes, json!([{ "type": "oauth2", "scopes": ["orders:read"] }]));
    assert_eq!(listed["result"]["tools"][0]["securitySchemes"], *schemes);
    let refused = guarded.call("alice.orders-read", "order", json!({})).await;
    assert_eq!(refused.status(), 403);
}

#[tokio::test]
async fn a_machine_is_told_that_a_person_is_needed() {
    let guarded = Guarded::start(|gate| gate).await;
    let arguments = json!({ "owner": "alice", "repo": "compass" });
    let told = guarded.call("robot.x", "list_issues", arguments.clone()).await;
    let told = text_of(&told.json().await.unwrap());
    assert!(told.contains("a person has to connect"), "{told}");
    let asked = guarded.call("alice.x", "list_issues", arguments).await;
    assert!(text_of(&asked.json().await.unwrap()).contains("/connect/"));
}

#[tokio::test]
async fn nobody_connects_an_account_for_another_person() {
    let guarded = Guarded::start(|gate| gate).await;
    let arguments = json!({ "owner": "alice", "repo": "compass" });
    let asked = guarded.call("alice.x", "list_issues", arguments.clone()).await;
    let link = link_in(&text_of(&asked.json().await.unwrap()));
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let browser = browser.build().unwrap();
    let open =
        async |cookie: &str| browser.get(&link).header("cookie", cookie).send().await.unwrap();

    let bob = open("person=bob").await;
    assert_eq!(bob.status(), 403);
    assert!(bob.text().await.unwrap().contains("another person"));
    let nobody = open("").await;
    let sign_in = nobody.headers()["location"].to_str().unwrap();
    assert!(sign_in.starts_with("/login?next=/connect/"), "{sign_in}");
    let alice = open("person=alice").await;
    assert!(alice.headers()["location"].to_str().unwrap().contains("/oauth/authorize"));
}

#[tokio::test]
async fn a_server_that_cannot_tell_whose_browser_it_is_does_not_start() {
    let clock = Arc::new(ManualClock::at(SystemTime::now()));
    let server = toolgate::Server::new("guarded", "1")
        .provider(client_at("http://127.0.0.1:1"))
        .tools(tools![list_issues])
        .gate(Gate::new(Spelled(clock)));
    let refused = server.build().await.unwrap_err().to_string();
    assert!(refused.contains("whose browser opens the link"), "{refused}");
    assert!(refused.contains("Gate::sign_in"), "{refused}");
}
