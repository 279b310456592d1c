//! Scopes and limits: each message is checked, and a refusal is its response.

use integration::socket::Socket;

use super::*;

#[tokio::test]
async fn a_call_without_its_scopes_is_refused_with_the_challenge() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.orders-read", no_capabilities()).await;
    let refused = socket.call("order", json!({})).await;
    let error = &refused["error"];
    assert_eq!(error["code"], -32600, "{refused}");
    assert_eq!(error["message"], "this needs the scope orders:write");
    let challenge = error["data"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"orders:write orders:read\""), "{challenge}");
    assert_eq!(text_of(&socket.call("orders", json!({})).await), "the orders of alice");
    let mut socket = Socket::begin(guarded.address, "bob.orders-write", no_capabilities()).await;
    assert_eq!(text_of(&socket.call("order", json!({})).await), "ordered for bob");
}

#[tokio::test]
async fn lists_show_what_the_caller_may_call() {
    let guarded = Guarded::with(|gate| gate.hide_unauthorized_tools(true), "").await;
    let mut socket = Socket::begin(guarded.address, "alice.orders-read", no_capabilities()).await;
    let listed = socket.request("tools/list", json!({})).await;
    let names: Vec<_> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"orders") && !names.contains(&"order"), "{names:?}");
}

#[tokio::test]
async fn the_limits_of_the_gate_count_messages() {
    let guarded = Guarded::with(|gate| gate.max_concurrent_per_subject(1), "").await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    let waiting = socket.start("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    soon(guarded.room.came(1)).await;
    let refused = socket.call("add", json!({ "a": 1, "b": 2 })).await;
    assert_eq!(refused["error"]["message"], "too many requests: try again in 1 s", "{refused}");
    guarded.room.open();
    assert_eq!(text_of(&socket.response(waiting).await), "waited");
    assert_eq!(text_of(&socket.call("add", json!({ "a": 1, "b": 2 })).await), "3");
}
