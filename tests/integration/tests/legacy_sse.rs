//! The transport of 2024-11-05: a stream of events, and messages to it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use integration::{
    acme::orders,
    events::Stream,
    tools::{add, count},
    waiting::{Room, soon, wait},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    grant::ManualClock,
    prelude::*,
};

/// Tokens that say whose they are, with their scopes: `alice.orders-read`.
#[derive(Clone, Default)]
struct Spelled(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let token = presented.credentials.token();
        if self.0.lock().unwrap().iter().any(|revoked| revoked == token) {
            return Err(AuthError::Inactive);
        }
        let (subject, scopes) = token.split_once('.').ok_or(AuthError::BadSignature)?;
        let scopes = scopes.split('.').map(|scope| scope.replace('-', ":"));
        // 30 s are how far clocks may differ: a brief token ends in a quarter of a second.
        let end = match subject {
            "brief" => SystemTime::UNIX_EPOCH - Duration::from_millis(29_750),
            _ => SystemTime::UNIX_EPOCH + Duration::from_secs(3600),
        };
        let claims = Claims::new("https://login.example", subject).scopes(scopes);
        Ok(claims.expires_at(end))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

struct Guarded {
    address: SocketAddr,
    room: Room,
    tokens: Spelled,
}

impl Guarded {
    async fn start() -> Self {
        Self::with(|gate| gate, "").await
    }

    async fn with(configure: impl FnOnce(Gate) -> Gate, path: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (room, tokens) = (Room::default(), Spelled::default());
        let gate = Gate::new(tokens.clone()).resource(format!("http://{address}{path}/mcp"));
        let app = Server::new("guarded", "1")
            .tools(tools![add, count, orders, wait])
            .state(room.clone())
            .clock(Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH)))
            .gate(configure(gate))
            .legacy_sse()
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { address, room, tokens }
    }

    async fn open(&self, token: &str) -> Stream {
        Stream::open(&format!("http://{}/sse", self.address), token).await.unwrap()
    }

    fn request(&self, method: &str, path: &str, token: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let request =
            reqwest::Client::new().request(method, format!("http://{}{path}", self.address));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })
}

#[tokio::test]
async fn messages_are_answered_by_events() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("alice.orders-read").await;
    assert!(stream.endpoint().starts_with("/messages?sessionId="), "{}", stream.endpoint());
    let begun = stream.initialize().await;
    assert_eq!(begun["result"]["serverInfo"]["name"], "guarded", "{begun}");
    let listed = stream.request("tools/list", json!({})).await;
    assert!(listed["result"]["tools"].as_array().unwrap().len() >= 4, "{listed}");
    assert_eq!(text_of(&stream.call("orders", json!({})).await), "the orders of alice");
    let params = json!({
        "name": "count",
        "arguments": { "to": 3 },
        "_meta": { "progressToken": "so far" },
    });
    assert_eq!(text_of(&stream.request("tools/call", params).await), "3");
    assert_eq!(stream.others.len(), 3, "its progress: {:?}", stream.others);
    let unknown = stream.call("unknown", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn the_token_is_checked_on_both_requests() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("alice.").await;
    let endpoint = stream.endpoint().to_owned();
    for token in ["", "forged"] {
        for (method, path) in [("GET", "/sse"), ("POST", &endpoint), ("HEAD", "/sse")] {
            let refused = guarded.request(method, path, token).json(&ping()).send().await.unwrap();
            assert_eq!(refused.status(), 401, "{method} {path} {token}");
            let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("oauth-protected-resource/sse\""), "{challenge}");
        }
    }
    // A token in the URL counts as none.
    let in_url = guarded.request("GET", "/sse?access_token=alice.", "").send().await.unwrap();
    assert_eq!(in_url.status(), 401);
    // A token that is revoked sends no message more.
    stream.initialize().await;
    guarded.tokens.0.lock().unwrap().push("alice.".to_owned());
    let refused = guarded.request("POST", &endpoint, "alice.").json(&ping()).send().await.unwrap();
    assert_eq!(refused.status(), 401);
}

#[tokio::test]
async fn a_stream_takes_messages_of_its_owner_alone() {
    let guarded = Guarded::start().await;
    let stream = guarded.open("alice.").await;
    let endpoint = stream.endpoint().to_owned();
    for (path, token, status) in [
        (endpoint.as_str(), "mallory.", 404),
        ("/messages?sessionId=guess", "alice.", 404),
        ("/messages?sessionId=", "alice.", 404),
        ("/messages", "alice.", 404),
        (&format!("{endpoint}&sessionId=a"), "alice.", 404),
        // Another token of the same person.
        (&endpoint, "alice.orders-read", 202),
    ] {
        let sent = guarded.request("POST", path, token).json(&ping()).send().await.unwrap();
        assert_eq!(sent.status(), status, "{path} {token}");
    }
    let (head, id) = endpoint.split_at("/messages?sessionId=".len());
    assert_eq!((head, id.len()), ("/messages?sessionId=", 43));
    drop(stream);
    soon(async {
        let send = || guarded.request("POST", &endpoint, "alice.").json(&ping()).send();
        while send().await.unwrap().status() != 404 {}
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_on_both_requests() {
    let guarded = Guarded::with(|gate| gate.allow_origin("https://app.example"), "").await;
    let stream = guarded.open("alice.").await;
    let endpoint = stream.endpoint().to_owned();
    for (origin, status) in [("https://app.example", 202), ("https://evil.example", 403)] {
        let send = guarded.request("POST", &endpoint, "alice.").header("origin", origin);
        let answer = send.json(&ping()).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), status == 202, "{origin}");
        let open = guarded.request("HEAD", "/sse", "alice.").header("origin", origin);
        let opened = open.send().await.unwrap().status();
        assert_eq!(opened == 200, status == 202, "{origin}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_in_the_response() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("alice.").await;
    stream.initialize().await;
    let endpoint = stream.endpoint().to_owned();
    for (body, status, code) in [
        ("{", 400, -32700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, 400, -32600),
    ] {
        let send = guarded.request("POST", &endpoint, "alice.");
        let send = send.header("content-type", "application/json").body(body);
        let refused = send.send().await.unwrap();
        assert_eq!(refused.status(), status, "{body}");
        let error: Value = refused.json().await.unwrap();
        assert_eq!(error["error"]["code"], code, "{body}");
    }
    let text = guarded.request("POST", &endpoint, "alice.").body(ping().to_string());
    assert_eq!(text.send().await.unwrap().status(), 415);
    let large = guarded.request("POST", &endpoint, "alice.").body("x".repeat((4 << 20) + 1));
    assert_eq!(large.send().await.unwrap().status(), 413);
    for (method, path, allow) in [("POST", "/sse", "GET, HEAD"), ("GET", &*endpoint, "POST")] {
        let refused = guarded.request(method, path, "alice.").send().await.unwrap();
        assert_eq!(refused.status(), 405, "{method} {path}");
        assert_eq!(refused.headers()["allow"], allow);
    }
    let events = guarded.request("GET", "/sse", "alice.").header("accept", "application/json");
    assert_eq!(events.send().await.unwrap().status(), 406);
    assert_eq!(text_of(&stream.call("add", json!({ "a": 1, "b": 2 })).await), "3");
}

#[tokio::test]
async fn a_call_without_its_scopes_is_refused_by_an_event() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("alice.").await;
    stream.initialize().await;
    let refused = stream.call("orders", json!({})).await;
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let challenge = refused["error"]["data"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test]
async fn a_call_ends_when_its_client_leaves() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("alice.").await;
    stream.initialize().await;
    stream.start("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    soon(guarded.room.came(1)).await;
    drop(stream);
    soon(guarded.room.left(1)).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let guarded = Guarded::start().await;
    let mut stream = guarded.open("brief.").await;
    assert!(soon(stream.next()).await.is_none());
}

#[tokio::test]
async fn the_streams_of_one_caller_are_bounded() {
    let guarded = Guarded::with(|gate| gate.allow_anonymous(true), "").await;
    let mut held = Vec::new();
    let url = format!("http://{}/sse", guarded.address);
    let refused = loop {
        match Stream::open(&url, "").await {
            Ok(stream) => held.push(stream),
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.status().as_u16(), held.len()), (429, 8));
    assert!(refused.headers().contains_key("retry-after"));
    guarded.open("alice.").await;
}

#[tokio::test]
async fn below_a_path_messages_go_below_it() {
    let guarded = Guarded::with(|gate| gate, "/tools").await;
    for path in ["/sse", "/sse/", "/tools/sse"] {
        let url = format!("http://{}{path}", guarded.address);
        let mut stream = Stream::open(&url, "alice.").await.unwrap();
        assert!(stream.endpoint().starts_with("/tools/messages?sessionId="));
        stream.initialize().await;
        assert_eq!(text_of(&stream.call("add", json!({ "a": 1, "b": 2 })).await), "3");
    }
}

#[tokio::test]
async fn without_the_transport_its_address_names_the_endpoint() {
    let app = || Server::new("modern", "1").tools(tools![add]).public_url("http://127.0.0.1:7/a");
    let request = || {
        let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
        http::Request::get("/sse")
            .header("host", "127.0.0.1")
            .extension(axum::extract::ConnectInfo(peer))
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let service = app().build().await.unwrap().into_service();
    let gone = tower::ServiceExt::oneshot(service, request()).await.unwrap();
    assert_eq!(gone.status(), 410);
    let body = axum::body::to_bytes(gone.into_body(), 1 << 10).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("http://127.0.0.1:7/a/mcp"), "{body}");
    // The paths of an application are its own.
    let router = app().build().await.unwrap().into_router();
    let missing = tower::ServiceExt::oneshot(router, request()).await.unwrap();
    assert_eq!(missing.status(), 404);
}
