//! Sessions of HTTP with events: an address for messages, which is no credential.

use http::HeaderMap;
use integration::{
    transport::{Dialogue, Opening, Transport, soon},
    wire::Wire,
};
use serde_json::json;

use super::{Site, assert_adds, text};

fn headers(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !token.is_empty() {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    headers
}

fn call() -> String {
    json!({ "jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {
        "name": "order",
        "arguments": {},
    }})
    .to_string()
}

#[tokio::test]
async fn both_requests_need_the_token() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "orders:write").await;
    let endpoint = alice.stream().endpoint.clone();
    let expired = site.brief("alice", -60).to_string();
    for (token, says) in [("", "Bearer"), (expired.as_str(), "expired"), ("nonsense", "token")] {
        let refused = alice.stream().post_to(&endpoint, &headers(token), call()).await.unwrap_err();
        assert_eq!(refused.status, 401, "{says}: {refused:?}");
        assert!(refused.challenge().contains(says), "{refused:?}");
        let document = "/.well-known/oauth-protected-resource/sse\"";
        assert!(refused.challenge().contains(document), "{refused:?}");
    }
    // Nothing of it was called: the next answer is the next call's.
    assert_adds(&mut alice).await;
}

#[tokio::test]
async fn an_address_is_nobody_elses() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "orders:write").await;
    let mut mallory = site.session(Transport::Sse, "mallory", "orders:write").await;
    let endpoint = alice.stream().endpoint.clone();
    let others = site.token("mallory", "orders:write").to_string();
    let other_client = site.token("alice", "orders:write").claim("client_id", "other").to_string();
    for token in [others, other_client] {
        let refused =
            mallory.stream().post_to(&endpoint, &headers(&token), call()).await.unwrap_err();
        assert_eq!(refused.status, 404, "{refused:?}");
    }
    assert_adds(&mut alice).await;
    assert_adds(&mut mallory).await;
    // A renewed token of hers is as good as the first.
    let renewed = site.token("alice", "orders:write").claim("jti", "2").to_string();
    alice.stream().post_to(&endpoint, &headers(&renewed), call()).await.unwrap();
    assert_eq!(text(&alice.answer(99).await), "ordered for alice");
}

#[tokio::test]
async fn guessed_addresses() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "orders:write").await;
    let endpoint = alice.stream().endpoint.clone();
    let token = headers(&site.token("alice", "orders:write").to_string());
    let (path, id) = endpoint.split_once("sessionId=").unwrap();
    assert!(id.len() >= 43, "it cannot be guessed: {id}");
    let mut changed = id.as_bytes().to_vec();
    changed[0] = if changed[0] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let other = site.session(Transport::Sse, "alice", "").await.stream().endpoint.clone();
    for guess in [
        format!("{path}sessionId={changed}"),
        format!("{path}sessionId={}", &id[1..]),
        format!("{path}sessionId={id}A"),
        format!("{path}sessionId={id}&sessionId={changed}"),
        format!("{path}sessionId={changed}&sessionId={id}"),
        format!("{path}sessionId="),
        format!("{path}session_id={id}"),
        format!("{path}sessionId={}", "A".repeat(4000)),
        format!("{path}sessionId=%00%ff..%2f"),
        "/messages".to_owned(),
        // The one whose stream is closed.
        other,
    ] {
        let refused = soon(async {
            loop {
                // That a stream was closed is noticed a moment later.
                match alice.stream().post_to(&guess, &token, call()).await {
                    Err(refused) => break refused,
                    Ok(()) => tokio::task::yield_now().await,
                }
            }
        });
        let refused = refused.await;
        assert!([400, 404].contains(&refused.status), "{guess}: {refused:?}");
        assert!(!refused.body.contains(&changed) && !refused.body.contains(id), "{refused:?}");
    }
    assert_adds(&mut alice).await;
}

/// An identifier of one transport opens nothing in another.
#[tokio::test]
async fn sessions_of_different_transports_are_not_mixed_up() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "orders:write").await;
    let endpoint = alice.stream().endpoint.clone();
    let id = endpoint.split_once("sessionId=").unwrap().1.to_owned();
    let token = site.token("alice", "orders:write");
    let http = Opening::bearer(&token).header("mcp-session-id", &id);
    let mut mixed = Dialogue::connect(site.address, Transport::Http, &http).await.unwrap();
    assert_eq!(mixed.call("order", json!({})).await.unwrap_err().status, 404);

    let begun = reqwest::Client::new()
        .post(site.resource())
        .bearer_auth(&token)
        .header("accept", "application/json, text/event-stream")
        .json(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "c", "version": "1" },
        }}))
        .send()
        .await
        .unwrap();
    let id = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let posted = format!("/messages?sessionId={id}");
    let refused = alice.stream().post_to(&posted, &headers(&token.to_string()), call()).await;
    assert!([400, 404].contains(&refused.unwrap_err().status));
    assert_adds(&mut alice).await;
}

#[tokio::test]
async fn nothing_of_a_body_is_read_for_a_stranger() {
    let site = Site::start().await;
    let mut alice = site.session(Transport::Sse, "alice", "orders:write").await;
    let endpoint = alice.stream().endpoint.clone();
    for more in [
        "content-length: 209715200\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 3145728\r\nauthorization: Bearer nobody\r\n",
    ] {
        let head = format!(
            "POST {endpoint} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{more}\r\n",
            site.address
        );
        // Not one byte of the body is sent, and the answer comes all the same.
        let mut wire = Wire::with(site.address, &head).await;
        let answer = soon(wire.answer()).await;
        assert!([401, 413].contains(&answer.status), "{more}: {answer:?}");
    }
    assert_adds(&mut alice).await;
}

#[tokio::test]
async fn other_methods_are_refused() {
    let site = Site::start().await;
    let token = site.token("alice", "orders:read").to_string();
    let mut alice = site.session(Transport::Sse, "alice", "orders:read").await;
    let endpoint = alice.stream().endpoint.clone();
    let client = reqwest::Client::new();
    for (method, path) in [
        ("POST", "/sse"),
        ("PUT", "/sse"),
        ("DELETE", "/sse"),
        ("GET", endpoint.as_str()),
        ("DELETE", endpoint.as_str()),
        ("POST", "/ws"),
        ("DELETE", "/ws"),
    ] {
        let url = format!("http://{}{path}", site.address);
        let request = client.request(method.parse().unwrap(), url).bearer_auth(&token);
        assert_eq!(request.send().await.unwrap().status(), 405, "{method} {path}");
    }
    assert_adds(&mut alice).await;
}
