//! What strangers write stays on the line that the server gives to it, in the log and in errors.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Request;
use integration::{client::call_message, log::Log};
use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    server::ToolgateService,
    testing::{Issuer, RESOURCE},
    tools,
};
use tower::ServiceExt;
use tracing::Level;

/// Repeats a text where the log has it.
#[tool]
async fn repeat(_caller: Caller, text: String) -> Result<()> {
    Err(Error::new(format!("nothing is known of {text}")).with_source(format!("no {text}")))
}

/// Stops with a text.
#[tool]
async fn stop(_caller: Caller, text: String) -> Result<()> {
    panic!("{text}")
}

/// Characters that end lines, control terminals, hide or reorder text.
fn forbidden() -> Vec<char> {
    let bidi = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{feff}', '\u{e0041}'];
    ('\0'..='\u{1f}')
        .chain('\u{7f}'..='\u{9f}')
        .chain('\u{202a}'..='\u{202e}')
        .chain('\u{2066}'..='\u{2069}')
        .chain(bidi)
        .collect()
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

struct Server {
    service: ToolgateService,
    issuer: Issuer,
}

impl Server {
    async fn post(&self, token: &str, headers: &[(&str, Vec<u8>)], body: &Value) -> String {
        let mut request = Request::post("/mcp")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, value.as_slice());
        }
        let Ok(request) = request.body(axum::body::Body::from(body.to_string())) else {
            // HTTP cannot carry it.
            return String::new();
        };
        let response = self.service.clone().oneshot(request).await.unwrap();
        let challenge = format!("{:?}", response.headers());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        // As a host shows it, after its JSON was read.
        format!("{challenge} {}", body["error"]["message"].as_str().unwrap_or_default())
    }
}

#[tokio::test]
async fn nothing_that_came_from_outside_breaks_a_line() {
    let (log, _guard) = Log::listen(Level::INFO);
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
    let app = toolgate::server!().gate(gate).tools(tools![repeat, stop]).build().await.unwrap();
    let server = Server { service: app.into_service(), issuer };

    let mut shown = String::new();
    for c in forbidden() {
        let text = format!("x{c}2026-01-01T00:00:00Z  INFO toolgate::audit: call tool=\"forged\"");
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let header =
            |typ: &str, kid: &str| part(&json!({ "alg": "ES256", "typ": typ, "kid": kid }));
        let good = server.issuer.token(text.clone()).claim("client_id", text.clone());
        let tokens = [
            format!("{}.e30.AA", header(&text, "testing")),
            format!("{}.{}.AA", header("at+jwt", &text), part(&json!({ "iss": Issuer::NAME }))),
            format!("{}.{}.AA", header("at+jwt", &text), part(&json!({ "iss": text }))),
            server.issuer.token("alice").claim("iss", text.clone()).to_string(),
            server.issuer.token("alice").audience(text.clone()).to_string(),
            server.issuer.token("alice").claim("aud", json!([text, text])).to_string(),
        ];
        for token in &tokens {
            shown += &server.post(token, &[], &list).await;
        }
        let good = good.to_string();
        let modern = |tool: &str| {
            [
                ("mcp-protocol-version", b"2026-07-28".to_vec()),
                ("mcp-method", b"tools/call".to_vec()),
                ("mcp-name", tool.as_bytes().to_vec()),
            ]
        };
        for tool in ["repeat", "stop"] {
            let call = call_message(tool, json!({ "text": text }));
            shown += &server.post(&good, &modern(tool), &call).await;
            shown += &server.post(&good, &modern(tool), &call["params"].clone()).await;
        }
        shown += &server
            .post(&good, &modern("repeat"), &call_message("repeat", json!({ text.clone(): 1 })))
            .await;
        shown += &server.post(&good, &modern(&text), &call_message(&text, json!({}))).await;
        shown +=
            &server.post(&good, &[], &json!({ "jsonrpc": "2.0", "id": 1, "method": text })).await;
        for name in
            ["mcp-session-id", "mcp-method", "mcp-name", "mcp-protocol-version", "host", "origin"]
        {
            shown += &server.post(&good, &[(name, text.clone().into_bytes())], &list).await;
        }
    }
    let all = log.text();
    for expected in [
        "wrong_type",
        "wrong_issuer",
        "wrong_audience",
        "toolgate::audit",
        "panicked",
        "nothing is known",
    ] {
        assert!(all.contains(expected), "{expected} was logged");
    }
    let is_forged = |line: &&str| line.trim_start().starts_with("2026-01-01");
    assert_eq!(all.lines().find(is_forged), None);
    for c in forbidden() {
        if c != '\n' {
            assert!(!all.contains(c), "{c:?} is in the log");
        }
        assert!(
            !shown.replace("\\n", "").trim_end().contains(c) || c == '\n',
            "{c:?} is in an error"
        );
    }
    let longest = all.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest < 3000, "{longest}");
}
