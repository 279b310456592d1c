//! Exchanges that give no token, and callers whose token is sent nowhere.

use integration::{client::call_message, log::Log};
use reqwest::Client as HttpClient;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::gate::Gate;
use tracing::Level;

use super::{Site, Spelled, World, server};

#[tokio::test]
async fn a_person_who_may_not_use_the_api_is_not_sent_away_to_try_again() {
    let site = Site::start().await;
    for (status, code) in [
        (400, "invalid_grant"),
        (400, "invalid_target"),
        (400, "invalid_scope"),
        (400, "invalid_request"),
        (403, "access_denied"),
    ] {
        site.world.answer_error(status, code);
        let before = site.world.exchanges().len();
        let answer = site.call("alice", "list_orders").await;
        let text = answer.text();
        assert!(answer.is_error() && text.contains("may not use Orders"), "{code}: {answer:?}");
        assert!(text.contains("`orders:read`") && text.contains("Do not call again"), "{text}");
        assert!(answer.link().is_none(), "there is nothing to connect");
        assert_eq!(site.world.exchanges().len(), before + 1, "{code}");
    }
    assert!(site.world.sent().is_empty(), "the API was not asked");
}

#[tokio::test]
async fn a_fault_of_the_client_is_the_operators() {
    let (log, _guard) = Log::listen(Level::ERROR);
    let site = Site::start().await;
    let issued = |ty: &str| {
        json!({ "access_token": "id-1", "token_type": "N_A",
            "issued_token_type": format!("urn:ietf:params:oauth:token-type:{ty}") })
    };
    for (status, body) in [
        (401, json!({ "error": "invalid_client" })),
        (400, json!({ "error": "unauthorized_client" })),
        (400, json!({ "error": "unsupported_grant_type" })),
        (200, issued("id_token")),
        (200, issued("refresh_token")),
    ] {
        site.world.answer(status, body.clone());
        let before = log.lines("`ORDERS_CLIENT_ID`").len();
        let answer = site.call("alice", "list_orders").await;
        assert!(answer.is_error() && answer.text().contains("operator"), "{body}: {answer:?}");
        let lines = log.lines("`ORDERS_CLIENT_ID` and `ORDERS_CLIENT_SECRET`");
        assert_eq!(lines.len(), before + 1, "{body}: {}", log.text());
    }
    assert!(site.world.sent().is_empty(), "what is no access token is not sent");
}

#[tokio::test]
async fn an_authorization_server_that_is_down_is_asked_again_by_the_next_call() {
    let site = Site::start().await;
    for status in [500, 503, 429] {
        site.world.answer(status, json!({}));
        let answer = site.call("alice", "list_orders").await;
        assert!(answer.is_error() && answer.text().contains("call again later"), "{answer:?}");
    }
    site.world.exchange_again();
    assert_eq!(site.call("alice", "list_orders").await.text(), "alice with orders:read");
}

#[tokio::test]
async fn scopes_that_are_left_out_are_named() {
    let site = Site::start().await;
    site.world.respond_with(json!({ "scope": "orders:read" }));
    let answer = site.call("alice", "place_order").await;
    assert!(answer.is_error() && answer.text().contains("`orders:write`"), "{answer:?}");
    assert!(site.world.sent().is_empty());
    // More than was asked for, one that implies it, and what the server does not say.
    for scope in [json!("orders:read other"), json!("orders:write"), json!(""), Value::Null] {
        site.world.respond_with(json!({ "scope": scope, "expires_in": 1 }));
        let answer = site.call("alice", "list_orders").await;
        assert_eq!(answer.text(), "alice with orders:read", "{scope}");
    }
}

/// A server whose verifier takes any text as a token.
async fn spelled(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let server = server(world).gate(Gate::new(Spelled).resource(&url));
    let router = server.build().await.unwrap().into_router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn call(url: &str, authorization: &str) -> Value {
    let body = call_message("list_orders", json!({}));
    let response = HttpClient::new()
        .post(url)
        .header("accept", "application/json, text/event-stream")
        .header("authorization", authorization)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "list_orders")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_token_of_another_issuer_or_bound_to_a_key_is_not_sent() {
    let world = World::start().await;
    let url = spelled(&world).await;
    for (authorization, says) in [
        ("Bearer other-alice", "Call with an access token of https://issuer.test"),
        ("DPoP bound-alice", "DPoP"),
    ] {
        let answer = call(&url, authorization).await.to_string();
        assert!(answer.contains(says) && answer.contains("isError"), "{answer}");
    }
    assert!(world.exchanges().is_empty(), "no token was sent");
    let answer = call(&url, "Bearer alice").await.to_string();
    assert!(answer.contains("alice with orders:read"), "{answer}");
}
