//! Requests at the gate: accepted and refused tokens, scopes, arguments, calls.

use axum::body::Body;
use http::{Request, StatusCode};
use integration::{client::call_message, recorder::Recorder};
use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    server::ToolgateService,
    testing::{Issuer, RESOURCE, Token},
    tools,
};
use tower::ServiceExt;

use super::{assert_has, assert_order};

/// What callers may do.
#[catalogue]
enum Orders {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

/// Counts orders.
#[tool(scopes = "orders:read")]
async fn count_orders(_caller: Caller<Orders>, #[arg(range(1..=9))] times: u8) -> String {
    times.to_string()
}

/// Labels an order.
#[tool(scopes = "orders:read")]
async fn label(_caller: Caller<Orders>, labels: Vec<Label>) -> Result<String> {
    let names = labels.iter().map(|label| label.name.as_str());
    Ok(names.collect())
}

/// A label.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Label {
    /// Its name.
    name: String,
}

struct Server {
    service: ToolgateService,
    issuer: Issuer,
    recorder: Recorder,
}

impl Server {
    async fn start() -> Self {
        Self::at(RESOURCE, Recorder::default()).await
    }

    async fn at(resource: &str, recorder: Recorder) -> Self {
        let issuer = Issuer::new();
        let gate = Gate::new(issuer.verifier()).resource(resource);
        let server = toolgate::server!().gate(gate).tools(tools![count_orders, label]);
        let app = server.observe(recorder.clone()).build().await.unwrap();
        Self { service: app.into_service(), issuer, recorder }
    }

    fn alice(&self) -> Token {
        self.issuer.token("alice").scopes("orders:write openid").claim("client_id", "desk")
    }

    async fn send(&self, authorization: Option<&str>, body: &Value) -> StatusCode {
        let mut request = Request::post("/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("user-agent", "desk/1")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", body["method"].as_str().unwrap_or_default());
        if let Some(name) = body["params"]["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.service.clone().oneshot(request).await.unwrap().status()
    }

    async fn call(&self, token: impl ToString, tool: &str, arguments: Value) -> StatusCode {
        let authorization = format!("Bearer {}", token.to_string());
        self.send(Some(&authorization), &call_message(tool, arguments)).await
    }
}

fn header_of(json: &str) -> String {
    base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, json)
}

#[tokio::test]
async fn a_call_is_traced_from_its_head_to_its_end() {
    let server = Server::start().await;
    let status = server.call(server.alice(), "count_orders", json!({ "times": 3 })).await;
    assert_eq!(status, 200);
    let recorder = &server.recorder;
    assert_eq!(
        recorder.names(),
        [
            "request_received",
            "authenticated",
            "message_read",
            "scopes_checked",
            "tool_called",
            "call_ended",
        ]
    );
    let events = recorder.events();
    let mut before = 0;
    for event in &events {
        assert_eq!(event["span"], events[0]["span"], "one request is one span: {event}");
        assert_eq!(event["span"].as_str().unwrap().len(), 16);
        assert_eq!(event["parent"], Value::Null);
        let at = event["at_us"].as_u64().unwrap();
        assert!(at >= before, "time goes on: {event}");
        before = at;
    }
    let received = recorder.one("request_received");
    assert_has(&received, &json!({ "transport": "http", "http_method": "POST" }));
    assert_has(
        &received["headers"],
        &json!({
            "protocol_version": "2026-07-28",
            "mcp_method": "tools/call",
            "mcp_name": true,
            "session": false,
            "authorization": "bearer",
            "dpop": false,
            "user_agent": "desk/1",
        }),
    );
    let caller = json!({ "subject": "alice", "issuer": Issuer::NAME, "client": "desk" });
    assert_has(
        &recorder.one("authenticated"),
        &json!({ "caller": caller, "scopes": ["openid", "orders:write"], "sign_in": null }),
    );
    let read = json!({ "method": "tools/call", "tool": "count_orders", "era": "2026-07-28" });
    assert_has(&recorder.one("message_read"), &read);
    assert_has(
        &recorder.one("scopes_checked"),
        &json!({
            "tool": "count_orders",
            "outcome": "covered",
            "required": [{ "scope": "orders:read", "held_by": "orders:write" }],
            "held": ["openid", "orders:write"],
        }),
    );
    assert_has(&recorder.one("tool_called"), &json!({ "tool": "count_orders" }));
    assert_has(
        &recorder.one("call_ended"),
        &json!({
            "tool": "count_orders",
            "declared": "orders:read",
            "caller": caller,
            "outcome": "done",
            "why": "",
            "error": null,
        }),
    );
}

#[tokio::test]
async fn a_refused_token_says_what_was_found_and_expected() {
    let server = Server::start().await;
    let issuer = &server.issuer;
    let other = Issuer::new();
    let good = server.alice().to_string();
    let (head, rest) = good.split_once('.').unwrap();
    let payload = rest.split('.').next().unwrap();
    let broken = format!("{head}.{payload}.{}", "A".repeat(86));
    let audience = json!(["https://other.example/mcp"]);
    let cases = [
        (
            issuer.token("alice").audience("https://other.example/mcp").to_string(),
            json!({ "check": "audience", "code": "wrong_audience", "found": audience, "expected": RESOURCE }),
        ),
        (
            issuer.token("alice").claim("iss", "https://evil.example").to_string(),
            json!({ "check": "issuer", "found": "https://evil.example", "expected": Issuer::NAME }),
        ),
        (
            issuer.token("alice").expired().to_string(),
            json!({ "check": "time", "code": "expired" }),
        ),
        (
            issuer.token("alice").claim("nbf", 32_503_680_000_u64).to_string(),
            json!({ "check": "time", "code": "not_yet_valid", "expired_s_ago": null }),
        ),
        (
            format!("{}.{payload}.", header_of(r#"{"alg":"none","typ":"at+jwt"}"#)),
            json!({
                "check": "algorithm", "found": "none",
                "expected": "RS256 to RS512, PS256 to PS512, ES256, ES384 or EdDSA",
            }),
        ),
        (broken, json!({ "check": "signature", "code": "bad_signature", "issuer": Issuer::NAME })),
        (other.token("alice").to_string(), json!({ "issuer": Issuer::NAME, "status": 401 })),
        (
            issuer.token("alice").claim("sub", 7).to_string(),
            json!({ "check": "claim", "code": "claim", "detail": "sub" }),
        ),
        ("a.b".to_owned(), json!({ "check": "form", "status": 401 })),
        ("a b".to_owned(), json!({ "check": "form", "code": "malformed", "status": 400 })),
    ];
    for (token, expected) in cases {
        server.recorder.clear();
        server.call(&token, "count_orders", json!({ "times": 3 })).await;
        let names = server.recorder.names();
        assert_eq!(names, ["request_received", "token_refused", "challenged"], "{expected}");
        assert_has(&server.recorder.one("token_refused"), &expected);
    }
    server.recorder.clear();
    let early = issuer.token("alice").claim("nbf", 32_503_680_000_u64);
    server.call(early, "count_orders", json!({ "times": 3 })).await;
    let after = server.recorder.one("token_refused")["valid_in_s"].as_u64();
    assert!(after.is_some_and(|after| after > 1_000_000), "{after:?}");
    server.recorder.clear();
    server.send(None, &call_message("count_orders", json!({ "times": 3 }))).await;
    let missing = json!({ "check": "presence", "code": "missing", "found": null, "status": 401 });
    assert_has(&server.recorder.one("token_refused"), &missing);
    let challenge =
        json!({ "status": 401, "error": null, "scopes": ["orders:read"], "in_result": false });
    assert_has(&server.recorder.one("challenged"), &challenge);
}

#[tokio::test]
async fn missing_scopes_are_named_with_those_that_are_held() {
    let server = Server::start().await;
    let token = server.issuer.token("alice").scopes("openid");
    assert_eq!(server.call(token, "count_orders", json!({ "times": 3 })).await, 403);
    assert_order(
        &server.recorder.names(),
        &["authenticated", "message_read", "scopes_checked", "call_ended", "challenged"],
    );
    assert_has(
        &server.recorder.one("scopes_checked"),
        &json!({
            "outcome": "missing",
            "required": [{ "scope": "orders:read", "held_by": null }],
            "held": ["openid"],
        }),
    );
    let ended = json!({ "outcome": "refused", "why": "insufficient_scope", "ms": 0 });
    assert_has(&server.recorder.one("call_ended"), &ended);
    let challenged =
        json!({ "status": 403, "error": "insufficient_scope", "scopes": ["orders:read"] });
    assert_has(&server.recorder.one("challenged"), &challenged);
}

#[tokio::test]
async fn refused_arguments_are_named_by_declared_names_and_the_schema() {
    let server = Server::start().await;
    let secret = "sk-7f3a";
    let number = |extra: Value| {
        let mut all = json!({ "type": "integer" });
        for (name, value) in extra.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    let range = number(json!({ "minimum": 1, "maximum": 9 }));
    for (tool, arguments, path, rule, expected) in [
        ("count_orders", json!({ "times": 70 }), "times", "range", &range),
        ("count_orders", json!({ "times": secret }), "times", "type", &range),
        ("count_orders", json!({}), "times", "missing", &range),
        ("count_orders", json!({ "times": 3, "time": secret }), "*", "unknown", &Value::Null),
        (
            "label",
            json!({ "labels": [{ "name": "a" }, { "name": [secret] }] }),
            "labels[1].name",
            "type",
            &json!({ "type": "string" }),
        ),
        ("label", json!({ "labels": [{ "nome": secret }] }), "labels[0]", "missing", &Value::Null),
    ] {
        server.recorder.clear();
        server.call(server.alice(), tool, arguments.clone()).await;
        let refused = server.recorder.one("arguments_refused");
        assert_has(&refused, &json!({ "tool": tool, "path": path, "rule": rule }));
        if rule == "range" || rule == "type" || rule == "unknown" {
            let found = &refused["expected"];
            for (name, value) in expected.as_object().into_iter().flatten() {
                assert_eq!(&found[name], value, "{refused}");
            }
        }
        assert!(!server.recorder.text().contains(secret), "{}", server.recorder.text());
        let ended = json!({ "outcome": "failed", "error": "invalid_argument" });
        assert_has(&server.recorder.one("call_ended"), &ended);
    }
}

#[tokio::test]
async fn a_request_that_is_no_call_and_one_that_is_refused_are_traced() {
    let server = Server::start().await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    } } });
    let authorization = format!("Bearer {}", server.alice());
    assert_eq!(server.send(Some(&authorization), &list).await, 200);
    assert_has(
        &server.recorder.one("message_read"),
        &json!({ "method": "tools/list", "tool": null }),
    );

    server.recorder.clear();
    let wrong = json!([1]);
    assert_eq!(server.send(Some(&authorization), &wrong).await, 400);
    let refused = json!({ "reason": "message", "status": 400, "retry_after_s": null });
    assert_has(&server.recorder.one("request_refused"), &refused);

    server.recorder.clear();
    let request = Request::post("/mcp").header("origin", "https://evil.example");
    let request = request.body(Body::empty()).unwrap();
    server.service.clone().oneshot(request).await.unwrap();
    assert_has(&server.recorder.one("request_refused"), &json!({ "reason": "origin" }));

    server.recorder.clear();
    let path = "/.well-known/oauth-protected-resource/mcp";
    let request = Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(server.service.clone().oneshot(request).await.unwrap().status(), 200);
    let read = json!({ "document": "protected_resource" });
    assert_has(&server.recorder.one("metadata_read"), &read);
}

#[tokio::test]
async fn what_a_server_of_one_machine_refuses_is_traced() {
    let recorder = Recorder::default();
    let server = toolgate::server!().tools(tools![integration::tools::add]);
    let service = server.observe(recorder.clone()).build().await.unwrap().into_service();
    let address: std::net::SocketAddr = ([127, 0, 0, 1], 4000).into();
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("origin", "https://evil.example")
        .extension(axum::extract::ConnectInfo(address));
    let refused = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(recorder.names(), ["request_received", "request_refused"]);
    let expected = json!({ "reason": "origin", "status": 403 });
    assert_has(&recorder.one("request_refused"), &expected);
}

#[tokio::test]
async fn values_are_apart_and_for_servers_of_this_machine() {
    let elsewhere = "https://tools.example/mcp";
    for (resource, recorder, expected) in [
        (RESOURCE, Recorder::of_values(), 2),
        (RESOURCE, Recorder::default(), 0),
        (elsewhere, Recorder::of_values(), 0),
    ] {
        let server = Server::at(resource, recorder).await;
        let token = server.alice().audience(resource);
        assert_eq!(server.call(token, "count_orders", json!({ "times": 7 })).await, 200);
        let values = server.recorder.values();
        assert_eq!(values.len(), expected, "{resource}");
        if let [arguments, result] = &values[..] {
            assert_has(arguments, &json!({ "values": "arguments", "json": { "times": 7 } }));
            assert_has(result, &json!({ "values": "result" }));
            assert_eq!(result["json"]["content"][0]["text"], "7");
            assert_eq!(arguments["span"], server.recorder.one("call_ended")["span"]);
        }
    }
}
