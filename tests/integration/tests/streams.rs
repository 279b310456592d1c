//! Streams of a server with a gate: who may open which, how many, and how long they last.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo, response::Response};
use futures::{FutureExt, StreamExt};
use http::{Request, StatusCode};
use rmcp::{
    ErrorData, ServerHandler,
    model::{ServerCapabilities, ServerConfig, SubscriptionFilter},
    service::SubscriptionContext,
};
use serde_json::{Value, json};
use toolgate::{
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    prelude::*,
    server::ToolgateService,
    testing::RESOURCE,
    tools,
};
use tower::ServiceExt;

/// Greets every caller.
#[tool]
async fn greet() -> &'static str {
    "hello"
}

/// A handler with resources that can be listened to.
struct Resources;

impl ServerHandler for Resources {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        info
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> std::result::Result<(), ErrorData> {
        let _context = context;
        std::future::pending().await
    }
}

/// Accepts every token, without an end.
struct Endless;

#[async_trait]
impl Verifier for Endless {
    async fn verify(&self, _: PresentedToken<'_>) -> std::result::Result<Claims, AuthError> {
        Ok(Claims::new("https://login.example", "alice"))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

async fn server() -> ToolgateService<Resources> {
    let gate = Gate::new(Endless).resource(RESOURCE).allow_anonymous(true);
    let server = toolgate::server!().gate(gate).tools(tools![greet]).fallback(Resources);
    server.build().await.unwrap().into_service()
}

async fn listen(
    server: &ToolgateService<Resources>,
    token: &str,
    peer: u8,
    filter: Value,
) -> Response {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "notifications": filter,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let mut request = Request::post("/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "subscriptions/listen");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let peer = SocketAddr::from(([192, 0, 2, peer], 1));
    let request = request.extension(ConnectInfo(peer)).body(Body::from(body.to_string())).unwrap();
    server.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn an_anonymous_caller_does_not_listen_to_single_resources() {
    let server = server().await;
    for (token, filter, status) in [
        ("", json!({ "toolsListChanged": true }), StatusCode::OK),
        ("", json!({ "resourceSubscriptions": [] }), StatusCode::OK),
        ("", json!({ "resourceSubscriptions": ["file:///a"] }), StatusCode::UNAUTHORIZED),
        (
            "",
            json!({ "toolsListChanged": true, "resourceSubscriptions": ["file:///a"] }),
            StatusCode::UNAUTHORIZED,
        ),
        ("alice", json!({ "resourceSubscriptions": ["file:///a"] }), StatusCode::OK),
    ] {
        assert_eq!(listen(&server, token, 1, filter.clone()).await.status(), status, "{filter}");
    }
}

#[tokio::test]
async fn one_address_does_not_hold_all_anonymous_streams() {
    let server = server().await;
    let filter = json!({ "toolsListChanged": true });
    let mut open = Vec::new();
    let last = loop {
        let stream = listen(&server, "", 1, filter.clone()).await;
        if stream.status() != 200 {
            break stream;
        }
        open.push(stream);
        assert!(open.len() < 100);
    };
    assert_eq!(last.status(), 429);
    assert!(last.headers().contains_key("retry-after"));
    assert_eq!(listen(&server, "", 2, filter.clone()).await.status(), 200);
    assert_eq!(listen(&server, "alice", 1, filter.clone()).await.status(), 200);
    open.pop();
    assert_eq!(listen(&server, "", 1, filter).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_an_end_ends_after_an_hour() {
    for token in ["", "alice"] {
        let server = server().await;
        let stream = listen(&server, token, 1, json!({ "toolsListChanged": true })).await;
        assert_eq!(stream.status(), 200);
        let mut events = stream.into_body().into_data_stream();
        tokio::time::advance(Duration::from_secs(3590)).await;
        // rmcp's comments that keep the connection alive go by the clock of the machine.
        for _ in 0..10 {
            assert!(
                !matches!(events.next().now_or_never(), Some(None)),
                "{token}: it ended before"
            );
        }
        tokio::time::advance(Duration::from_secs(20)).await;
        let begun = std::time::Instant::now();
        while !matches!(events.next().now_or_never(), Some(None)) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{token}: it goes on");
            tokio::task::yield_now().await;
        }
    }
}
