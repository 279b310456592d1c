//! The number of series, whatever clients send.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    server::ToolgateService,
    telemetry::Metrics,
    testing::{Issuer, RESOURCE},
    tools,
};
use tower::ServiceExt;

use super::{series, sum};

/// How many different names are sent: tools, methods and issuers in turn.
const NAMES: usize = 10_000;

/// What callers may do.
#[catalogue]
enum Numbers {
    /// Add numbers.
    #[scope("numbers:add", access = read)]
    Add,
}

/// Adds two numbers.
#[tool(scopes = "numbers:add")]
async fn add(_caller: Caller<Numbers>, a: i64, b: i64) -> String {
    (a + b).to_string()
}

struct Sender {
    service: ToolgateService,
    issuer: Issuer,
}

impl Sender {
    async fn send(&self, token: &str, (method, name): (&str, &str), agent: &str) {
        let params = json!({ "name": name, "arguments": { "a": 1, "b": 2 }, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let body: Value = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post("/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("user-agent", agent)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .header("mcp-name", name)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_names_of_strangers_make_no_series() {
    let (metrics, issuer) = (Metrics::new(), Issuer::new());
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).rate_limit_per_subject(u32::MAX);
    let server = toolgate::server!().gate(gate).tools(tools![add]).metrics(metrics.clone());
    let service = server.build().await.unwrap().into_service();
    let sender = Sender { service, issuer };
    let token = sender.issuer.token("alice").scopes("numbers:add").to_string();
    let text = |claims: &Value| sender.issuer.signed(claims.to_string().as_bytes());
    let hostile = async |at: usize| {
        let odd = format!("n{at}\"}}{{\\");
        match at % 3 {
            0 => sender.send(&token, ("tools/call", &format!("tool_{at}")), &odd).await,
            1 => sender.send(&token, (&format!("method/{at}"), "add"), &odd).await,
            _ => {
                let claims =
                    json!({ "iss": format!("https://{at}.example"), "sub": format!("s{at}") });
                sender.send(&text(&claims), ("tools/call", "add"), &odd).await;
            }
        }
    };
    // One of each kind, and a call that succeeds.
    sender.send(&token, ("tools/call", "add"), "desk").await;
    for at in 0..3 {
        hostile(at).await;
    }
    let before = metrics.to_string();
    for at in 3..NAMES {
        hostile(at).await;
    }
    let after = metrics.to_string();
    assert_eq!(series(&after), series(&before), "no series came");
    assert!(series(&after).len() < 200, "{after}");
    let refused = sum(&after, "toolgate_gate_token_refusals_total", &[r#"check="issuer""#]);
    assert!(refused > 3000, "they were counted: {after}");
}
