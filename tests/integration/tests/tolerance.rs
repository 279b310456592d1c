//! Requests of real hosts that keep to no letter of a specification, and are served all the same.

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use integration::host::serve;
use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    server::ToolgateService,
    testing::{Issuer, RESOURCE},
    tools,
};
use tower::ServiceExt;

/// What the callers may do.
#[catalogue]
pub enum Desk {
    /// Look.
    #[scope("desk:read", access = read)]
    Read,
    /// Write.
    #[scope("desk:write", implies(Read))]
    Write,
}

/// Adds two numbers.
#[tool]
async fn add(a: i64, b: i64) -> Json<i64> {
    Json(a + b)
}

/// Writes.
#[tool(scopes = "desk:write")]
async fn write(_caller: Caller<Desk>) -> &'static str {
    "written"
}

/// Says how far it is, to clients that want to hear it.
#[tool]
async fn count(context: Context) -> &'static str {
    context.progress(1.0, Some(2.0), "counting").await;
    "counted"
}

/// A server behind a gate, without a socket.
struct Server {
    service: ToolgateService,
    issuer: Issuer,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    async fn start(configure: impl FnOnce(Gate) -> Gate) -> Self {
        let issuer = Issuer::new();
        let gate = configure(Gate::new(issuer.verifier()).resource(RESOURCE));
        let app = toolgate::server!().gate(gate).tools(tools![add, write, count]).build().await;
        Self { service: app.unwrap().into_service(), issuer }
    }

    fn token(&self) -> String {
        format!("Bearer {}", self.issuer.token("alice").scopes("desk:read"))
    }

    /// Sends a request whose headers replace those of a plain one; an empty value removes a header.
    async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let token = self.token();
        let plain = [
            ("host", RESOURCE.split('/').nth(2).unwrap()),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("authorization", &token),
        ];
        let replaced = |name: &str| headers.iter().any(|(other, _)| *other == name);
        let plain = plain.iter().filter(|(name, _)| !replaced(name));
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in plain.chain(headers.iter().filter(|(_, value)| !value.is_empty())) {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    async fn call(&self, target: &str, tool: &str, headers: &[(&str, &str)]) -> Reply {
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        let headers: Vec<_> = modern.iter().chain(headers).copied().collect();
        self.send(Method::POST, target, &headers, &call(tool, &json!({}))).await
    }
}

fn call(tool: &str, meta: &Value) -> String {
    let mut all = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    all.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
    json!({ "jsonrpc": "2.0", "id": "seven", "method": "tools/call", "params": {
        "name": tool,
        "arguments": if tool == "add" { json!({ "a": 1, "b": 2 }) } else { json!({}) },
        "_meta": all,
    }})
    .to_string()
}

fn initialize() -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }})
    .to_string()
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_makes_no_difference() {
    let server = Server::start(|gate| gate).await;
    let sum = server.call("/mcp/", "add", &[]).await;
    assert_eq!(sum.status, 200, "{}", sum.text);
    assert_eq!(sum.json()["result"]["structuredContent"]["result"], 3);
    let refused = server.call("/mcp/", "add", &[("authorization", "")]).await;
    assert_eq!(refused.status, 401);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/mcp/",
    ] {
        let document = server.send(Method::GET, path, &[], "").await;
        assert_eq!(document.status, 200, "{path}");
        assert_eq!(document.json()["resource"], RESOURCE, "{path}");
    }
    for path in ["/mcp//", "/mcp/x", "/.well-known/oauth-protected-resource/x/"] {
        assert_eq!(server.send(Method::GET, path, &[], "").await.status, 404, "{path}");
    }
    // A server without a gate, over a socket.
    let url = serve(toolgate::server!().tools(tools![add])).await;
    let answer =
        integration::client::post_call(&format!("{url}/"), "add", r#"{"a":1,"b":2}"#).await;
    assert_eq!(answer["result"]["structuredContent"]["result"], 3, "{answer}");
}

#[tokio::test]
async fn whatever_the_type_of_the_reply_satisfies_is_accepted() {
    let server = Server::start(|gate| gate).await;
    for accept in [
        "*/*",
        "application/json",
        "application/*",
        "APPLICATION/JSON; charset=utf-8",
        "application/json;q=0.1",
        "text/html, */*;q=0.1",
        "text/html, image/gif, *; q=.2, */*; q=.2",
        "text/event-stream;q=0, application/json",
        BROWSER,
        "",
    ] {
        let reply = server.call("/mcp", "add", &[("accept", accept)]).await;
        assert_eq!(reply.status, 200, "{accept}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "application/json", "{accept}");
        assert_eq!(reply.json()["result"]["structuredContent"]["result"], 3, "{accept}");
    }
    for accept in ["text/html", "application/xml", "*/*;q=0", "application/json;q=0, text/html"] {
        let reply = server.call("/mcp", "add", &[("accept", accept)]).await;
        assert_eq!(reply.status, 406, "{accept}: {}", reply.text);
        assert_eq!(reply.json()["jsonrpc"], "2.0", "{accept}");
    }
    let refused =
        server.call("/mcp", "add", &[("accept", "text/html"), ("authorization", "")]).await;
    assert_eq!(refused.status, 401, "who calls comes first");
    // A stream of events may be all that a client takes.
    for accept in ["text/event-stream", "text/*", "application/json;q=0, */*"] {
        let reply = server.call("/mcp", "add", &[("accept", accept)]).await;
        assert_eq!(reply.status, 200, "{accept}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "text/event-stream", "{accept}");
        let data = reply.text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["result"]["structuredContent"]["result"], 3, "{accept}");
    }
}

#[tokio::test]
async fn a_client_that_takes_json_alone_gets_the_result_without_what_comes_before_it() {
    let server = Server::start(|gate| gate).await;
    let body = call("count", &json!({ "progressToken": "p" }));
    let modern = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "count"),
    ];
    for (accept, content_type) in [
        ("application/json, text/event-stream", "text/event-stream"),
        ("*/*", "text/event-stream"),
        ("application/json", "application/json"),
    ] {
        let headers: Vec<_> = modern.iter().copied().chain([("accept", accept)]).collect();
        let reply = server.send(Method::POST, "/mcp", &headers, &body).await;
        assert_eq!(reply.status, 200, "{accept}: {}", reply.text);
        assert_eq!(reply.header("content-type"), content_type, "{accept}");
        assert!(reply.text.contains("counted"), "{accept}: {}", reply.text);
        if content_type == "application/json" {
            assert_eq!(reply.json()["id"], "seven");
            assert_eq!(reply.json()["result"]["content"][0]["text"], "counted");
        }
    }
    // A client of 2025 with a session.
    let begun =
        server.send(Method::POST, "/mcp", &[("accept", "application/json")], &initialize()).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert_eq!(begun.json()["result"]["serverInfo"]["name"], env!("CARGO_PKG_NAME"));
    let session = begun.header("mcp-session-id").to_owned();
    let legacy = [
        ("accept", "application/json"),
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let there = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(server.send(Method::POST, "/mcp", &legacy, there).await.status, 202);
    let listed = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let listed = server.send(Method::POST, "/mcp", &legacy, listed).await;
    assert_eq!(listed.json()["result"]["tools"][0]["name"], "add", "{}", listed.text);
    assert_eq!(listed.json()["result"]["tools"][1]["securitySchemes"][0]["type"], "oauth2");
    // The session's own stream is nothing but events.
    let stream = server.send(Method::GET, "/mcp", &legacy, "").await;
    assert_eq!(stream.status, 406, "{}", stream.text);
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let server = Server::start(|gate| gate).await;
    let refused = server.send(Method::HEAD, "/mcp", &[("authorization", "")], "").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.header("www-authenticate").contains("resource_metadata="),
        "{refused:?}",
        refused = refused.headers
    );
    assert_eq!(refused.text, "");
    for headers in [&[][..], &[("mcp-protocol-version", "2026-07-28")]] {
        let get = server.send(Method::GET, "/mcp", headers, "").await;
        let head = server.send(Method::HEAD, "/mcp", headers, "").await;
        assert_eq!(head.status, get.status, "{headers:?}");
        assert_eq!(head.header("allow"), get.header("allow"), "{headers:?}");
        assert_eq!(head.text, "");
    }
    let begun = server.send(Method::POST, "/mcp", &[], &initialize()).await;
    let session = [("mcp-session-id", begun.header("mcp-session-id"))];
    let head = server.send(Method::HEAD, "/mcp", &session, "").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), "text/event-stream");
    assert_eq!(head.text, "");
    let head = server.send(Method::HEAD, "/mcp", &[("mcp-session-id", "other")], "").await;
    assert_eq!(head.status, 404);
    assert_eq!(server.send(Method::PUT, "/mcp", &[], "").await.status, 405);
}

#[tokio::test]
async fn credentials_of_an_unsupported_kind_are_none() {
    let server = Server::start(|gate| gate).await;
    for (target, authorization) in [
        ("/mcp", "Basic YTpi"),
        ("/mcp", "Digest username=\"a\""),
        ("/mcp", "Negotiate"),
        ("/mcp", "AWS4-HMAC-SHA256 Credential=x"),
        ("/mcp", "Bearer"),
        ("/mcp", "a.b.c"),
        ("/mcp?access_token=a", ""),
        ("/mcp?x=y&access_token=a", ""),
        ("/mcp?access_token=a", "Basic YTpi"),
    ] {
        let refused = server.call(target, "add", &[("authorization", authorization)]).await;
        assert_eq!(refused.status, 401, "{target} {authorization}: {}", refused.text);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{authorization}: {challenge}");
        assert!(challenge.contains("resource_metadata="), "{authorization}: {challenge}");
        // RFC 6750 §3.1: no error code where the client did not know how to authenticate.
        assert!(!challenge.contains("error="), "{authorization}: {challenge}");
    }
    // What is ill-formed, or comes twice, is an invalid request.
    let token = server.token();
    for (target, authorization) in
        [("/mcp", "Bearer a b"), ("/mcp", "Bearer \"a\""), ("/mcp?access_token=a", token.as_str())]
    {
        let refused = server.call(target, "add", &[("authorization", authorization)]).await;
        assert_eq!(refused.status, 400, "{target} {authorization}");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_request\""));
    }
    // Where anonymous callers are allowed, they are anonymous.
    let server = Server::start(|gate| gate.allow_anonymous(true)).await;
    let sum = server.call("/mcp", "add", &[("authorization", "Basic YTpi")]).await;
    assert_eq!(sum.status, 200, "{}", sum.text);
    let refused = server.call("/mcp?access_token=a", "write", &[("authorization", "")]).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn behind_a_gate_the_host_does_not_count_and_an_origin_does() {
    let server = Server::start(|gate| gate.allow_origin("https://app.example")).await;
    let own = RESOURCE.trim_end_matches("/mcp");
    for host in ["10.1.2.3:8080", "backend.internal", "localhost", "evil.example", ""] {
        let sum = server.call("/mcp", "add", &[("host", host)]).await;
        assert_eq!(sum.status, 200, "{host}: {}", sum.text);
        let refused = server.call("/mcp", "add", &[("host", host), ("authorization", "")]).await;
        assert_eq!(refused.status, 401, "{host}: the challenge, not a refusal of the host");
        for (origin, status) in [
            ("https://app.example", 200),
            (own, 200),
            ("https://evil.example", 403),
            ("http://evil.example", 403),
            ("null", 403),
        ] {
            let reply = server.call("/mcp", "add", &[("host", host), ("origin", origin)]).await;
            assert_eq!(reply.status, status, "{host} {origin}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn without_a_gate_the_host_counts() {
    let url = serve(toolgate::server!().tools(tools![add])).await;
    let body = call("add", &json!({}));
    for (host, status) in [("localhost", 200), ("evil.example", 403), ("10.1.2.3", 403)] {
        let reply = reqwest::Client::new()
            .post(&url)
            .header("host", host)
            .header("content-type", "application/json")
            .header("accept", "*/*")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "add")
            .body(body.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), status, "{host}");
    }
}

#[tokio::test]
async fn an_error_after_the_body_was_read_has_the_id_of_the_request() {
    let server = Server::start(|gate| gate.allow_anonymous(true)).await;
    let refused = server.call("/mcp", "write", &[("authorization", "")]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["id"]), (401, &json!("seven")));
    let refused = server.call("/mcp", "write", &[]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["id"]), (403, &json!("seven")));

    // A request that is announced as public, and turns out not to be.
    let server = Server::start(|gate| gate).await;
    let refused = server.call("/mcp", "write", &[]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["id"]), (403, &json!("seven")));
    let refused = server.call("/mcp", "write", &[("authorization", "")]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["id"]), (401, &Value::Null));
}
