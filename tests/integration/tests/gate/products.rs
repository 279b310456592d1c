//! Presets at a gate: what the log and observers are told of a refused token, and how scopes are asked
//! for.

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use integration::{client::call_message, log::Log, recorder::Recorder};
use serde_json::{Value, json};
use toolgate::{
    gate::{self, Gate, Jwt},
    prelude::*,
    server::ToolgateService,
    testing::{Issuer, RESOURCE, Token},
};
use tower::ServiceExt;
use tracing::Level;

/// What callers may do.
#[catalogue]
enum Orders {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", access = write)]
    Write,
}

/// Counts orders.
#[tool(scopes = "orders:read")]
async fn count_orders(_caller: Caller<Orders>) -> String {
    "3".to_owned()
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn place_order(_caller: Caller<Orders>) -> String {
    "placed".to_owned()
}

struct Server {
    service: ToolgateService,
    issuer: Issuer,
    recorder: Recorder,
}

impl Server {
    async fn of(preset: Jwt) -> Self {
        let (issuer, recorder) = (Issuer::new(), Recorder::default());
        let verifier = preset.fixed_keys(issuer.jwks()).unwrap();
        let gate = Gate::new(verifier).resource(RESOURCE);
        let server = toolgate::server!().gate(gate).tools(tools![count_orders, place_order]);
        let app = server.observe(recorder.clone()).build().await.unwrap();
        Self { service: app.into_service(), issuer, recorder }
    }

    async fn call(&self, token: &Token, tool: &str, revision: &str) -> Response<Body> {
        let mut request = Request::post("/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .header("mcp-protocol-version", revision);
        if revision == "2026-07-28" {
            request = request.header("mcp-method", "tools/call").header("mcp-name", tool);
        }
        let body = call_message(tool, json!({})).to_string();
        self.service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }
}

fn challenge(response: &Response<Body>) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn a_refusal_says_what_to_set_at_the_product_to_the_operator_alone() {
    let server = Server::of(gate::keycloak("https://sso.example", "acme").unwrap()).await;
    let token = |issuer: &Issuer| {
        let token = issuer.token("alice").claim("iss", "https://sso.example/realms/acme");
        token.claim("typ", "Bearer").scopes("orders:read")
    };
    let good = server.call(&token(&server.issuer), "count_orders", "2026-07-28").await;
    assert_eq!(good.status(), 200);

    let (log, _guard) = Log::listen(Level::INFO);
    let without = token(&server.issuer).claim("aud", Value::Null);
    let refused = server.call(&without, "count_orders", "2026-07-28").await;
    assert_eq!(refused.status(), 401);
    assert!(!challenge(&refused).contains("mapper"), "{}", challenge(&refused));
    let hint = "Keycloak: the token names no audience: add an audience mapper for";
    let lines = log.lines(hint);
    assert_eq!(lines.len(), 1, "{}", log.text());
    assert!(lines[0].contains(RESOURCE) && lines[0].contains("code=\"claim\""), "{}", lines[0]);
    let event = server.recorder.one("token_refused");
    assert!(event["hint"].as_str().unwrap().starts_with(hint), "{event}");

    let refused = server.call(&token(&server.issuer), "place_order", "2026-07-28").await;
    assert_eq!(refused.status(), 403);
    assert_eq!(
        log.lines("Keycloak: create a client scope of this name").len(),
        1,
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn clients_ask_for_scopes_with_the_prefix_of_the_issuer() {
    let guid = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let preset = gate::entra(guid, guid).unwrap().scope_prefix("https://tools.example/mcp/");
    let server = Server::of(preset).await;
    let token = |scopes: &str| {
        let issuer = format!("https://login.microsoftonline.com/{guid}/v2.0");
        let token = server.issuer.token("alice").claim("iss", issuer).audience(guid);
        token.claim("azp", "host").claim("scp", scopes)
    };
    let good = server.call(&token("orders:read"), "count_orders", "2026-07-28").await;
    assert_eq!(good.status(), 200);

    let refused = server.call(&token("orders:read User.Read"), "place_order", "2026-07-28").await;
    assert_eq!(refused.status(), 403);
    let asked = r#"scope="https://tools.example/mcp/orders:write""#;
    assert!(challenge(&refused).contains(asked), "{}", challenge(&refused));
    // A client of 2025 asks for what it has as well; what the server does not know it cannot name.
    let token = token("orders:read openid User.Read");
    let legacy = server.call(&token, "place_order", "2025-11-25").await;
    let asked = r#"scope="https://tools.example/mcp/orders:write openid https://tools.example/mcp/orders:read""#;
    assert!(challenge(&legacy).contains(asked), "{}", challenge(&legacy));

    let path = "/.well-known/oauth-protected-resource/mcp";
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = server.service.clone().oneshot(request).await.unwrap();
    let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    let metadata: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(metadata["scopes_supported"], json!(["https://tools.example/mcp/orders:read"]));
}
