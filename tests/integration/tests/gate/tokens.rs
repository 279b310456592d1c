//! Tokens, sessions and limits: who may connect.

use std::time::Duration;

use integration::client::{call_message, params, text_of};
use rmcp::{
    ServiceExt, transport::StreamableHttpClientTransport,
    transport::streamable_http_client::StreamableHttpClientTransportConfig,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Guarded, challenge};

#[tokio::test]
async fn who_has_no_token_learns_where_to_get_one() {
    let guarded = Guarded::start(|gate| gate).await;
    let refused = guarded.call("", "hello", json!({})).await;
    assert_eq!(refused.status(), 401);
    let challenge = challenge(&refused);
    assert!(!challenge.contains("error"), "nothing was wrong with what did not come: {challenge}");
    assert!(challenge.contains(r#"scope="orders:read""#), "{challenge}");
    let start = challenge.find("resource_metadata=\"").unwrap() + 19;
    let document = challenge[start..].trim_end_matches('"');
    assert!(document.ends_with("/.well-known/oauth-protected-resource/mcp"), "{document}");

    let root = document.strip_suffix("/mcp").unwrap();
    for url in [document, root] {
        let metadata: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert_eq!(metadata["resource"], guarded.url.as_str());
        assert_eq!(metadata["authorization_servers"], json!(["https://login.example"]));
        assert_eq!(metadata["scopes_supported"], json!(["orders:read"]), "what only reads");
    }
    let elsewhere = reqwest::get(format!("{root}/other")).await.unwrap();
    assert_eq!(elsewhere.status(), 404);
}

#[tokio::test]
async fn challenges_name_what_the_authorization_server_wants_besides() {
    let guarded = Guarded::start(|gate| gate.challenge_scopes(["openid"])).await;
    let refused = guarded.call("", "hello", json!({})).await;
    let without = challenge(&refused);
    assert!(without.contains(r#"scope="orders:read openid""#), "{without}");
    let start = without.find("resource_metadata=\"").unwrap() + 19;
    let document = without[start..].split('"').next().unwrap();
    let metadata: Value = reqwest::get(document).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["scopes_supported"], json!(["orders:read", "openid"]));
    let wrong = challenge(&guarded.call("nobody", "hello", json!({})).await);
    assert!(wrong.contains(r#"scope="orders:read openid""#), "{wrong}");
    let lacking = challenge(&guarded.call("alice.orders-raed", "orders", json!({})).await);
    assert!(lacking.contains(r#"scope="orders:read openid""#), "{lacking}");
    assert!(lacking.contains("this needs the scope orders:read"), "{lacking}");
    let called = guarded.call("alice.orders-read", "orders", json!({})).await;
    assert_eq!(called.status(), 200, "calls do not need it");
}

#[tokio::test]
async fn each_fault_of_a_token_is_told_apart() {
    let guarded = Guarded::start(|gate| gate).await;
    for (token, status, error, says) in [
        ("old.x", 401, "invalid_token", "expired 3 s ago"),
        ("nobody", 401, "invalid_token", "signature"),
        ("alice.orders-raed", 403, "insufficient_scope", "orders:read"),
    ] {
        let refused = guarded.call(token, "orders", json!({})).await;
        assert_eq!(refused.status(), status, "{token}");
        let challenge = challenge(&refused);
        assert!(challenge.contains(&format!(r#"error="{error}""#)), "{challenge}");
        assert!(challenge.contains(says), "{challenge}");
        assert!(!challenge.contains(token), "{challenge}");
    }
    let unknown = guarded.call("down.x", "orders", json!({})).await;
    assert_eq!(unknown.status(), 503);
    assert_eq!(unknown.headers()["retry-after"], "7");
}

#[tokio::test]
async fn nothing_of_a_body_is_read_for_a_stranger() {
    let guarded = Guarded::start(|gate| gate).await;
    let host = guarded.address;
    for headers in [
        "content-length: 209715200\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 209715200\r\nauthorization: Bearer nobody\r\n",
    ] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{headers}\r\n"
        );
        // Not one byte of the body is sent, and the answer comes all the same.
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(
            answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.1 413"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_session_belongs_to_who_began_it() {
    let guarded = Guarded::start(|gate| gate).await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }});
    let began = guarded.post("alice.orders-read", &initialize, &[]).await;
    let session = began.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let with_session =
        [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let goes_on = guarded.post("alice.orders-read", &initialized, &with_session).await;
    assert_eq!(goes_on.status(), 202);

    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let stolen = guarded.post("bob.orders-read", &list, &with_session).await;
    assert_eq!(stolen.status(), 404);
    let client = reqwest::Client::new();
    for request in [client.get(&guarded.url), client.delete(&guarded.url)] {
        let stolen = request
            .bearer_auth("bob.orders-read")
            .header("mcp-session-id", &session)
            .header("accept", "text/event-stream")
            .header("last-event-id", "0")
            .send()
            .await
            .unwrap();
        assert_eq!(stolen.status(), 404);
    }
    let mine = guarded.post("alice.orders-read", &list, &with_session).await;
    assert_eq!(mine.status(), 200, "it was not ended by the attempts");
    let answer: Value = mine.json().await.unwrap();
    assert_eq!(
        answer["result"]["tools"][0]["securitySchemes"],
        json!([{ "type": "oauth2", "scopes": ["orders:read"] }]),
        "clients of 2025 see them as well"
    );
}

#[tokio::test]
async fn a_stream_ends_with_the_token() {
    let guarded = Guarded::start(|gate| gate).await;
    let transport = StreamableHttpClientTransport::from_config(
        StreamableHttpClientTransportConfig::with_uri(guarded.url.as_str())
            .auth_header("alice.orders-read"),
    );
    let client = ().serve(transport).await.unwrap();
    let said = client.call_tool(params("orders", json!({}))).await.unwrap();
    assert_eq!(said.is_error, Some(false));
    client.cancel().await.unwrap();

    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }});
    let began = guarded.post("brief.x", &initialize, &[]).await;
    let stream = reqwest::Client::new()
        .get(&guarded.url)
        .bearer_auth("brief.x")
        .header("mcp-session-id", began.headers()["mcp-session-id"].clone())
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    let rest = tokio::time::timeout(Duration::from_secs(60), stream.text()).await;
    assert!(rest.is_ok(), "nothing was said, and it ended");
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call_unless_they_are_named() {
    let guarded = Guarded::start(|gate| gate.allow_origin("https://app.example")).await;
    for (header, value, status) in [
        ("origin", "https://app.example", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "https://app.example.evil.example", 403),
        ("origin", "null", 403),
        ("host", "rewritten.example", 200),
    ] {
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "hello"),
            (header, value),
        ];
        let response = guarded.post("alice.x", &call_message("hello", json!({})), &modern).await;
        assert_eq!(response.status(), status, "{header}: {value}");
    }
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, &guarded.url)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,mcp-protocol-version")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.headers()["access-control-allow-origin"], "https://app.example");
}

#[tokio::test]
async fn a_tool_does_not_see_the_token() {
    let guarded = Guarded::start(|gate| gate).await;
    let seen = guarded.call("alice.secret", "headers", json!({})).await;
    let seen = text_of(&seen.json().await.unwrap());
    assert!(seen.contains("mcp-name"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let guarded = Guarded::start(|gate| gate.rate_limit_per_subject(3)).await;
    for _ in 0..3 {
        assert_eq!(guarded.call("alice.x", "hello", json!({})).await.status(), 200);
    }
    // Another token of hers does not help, and nobody else suffers.
    let refused = guarded.call("alice.y", "hello", json!({})).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "20");
    assert_eq!(guarded.call("bob.x", "hello", json!({})).await.status(), 200);
}

#[tokio::test]
async fn so_many_calls_are_under_way_at_once() {
    let guarded = Guarded::start(|gate| gate.max_concurrent_per_subject(1)).await;
    let mut slow = TcpStream::connect(guarded.address).await.unwrap();
    let host = guarded.address;
    // A call whose body does not end holds the turn.
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer alice.x\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let length = slow.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 100"), "it is let in, and the body awaited");
    assert_eq!(guarded.call("alice.x", "hello", json!({})).await.status(), 429);
    assert_eq!(guarded.call("bob.x", "hello", json!({})).await.status(), 200);
    drop(slow);
}
