//! Sessions of clients of 2025: so many of one caller, ended when they are idle, and not before.
//!
//! Most of it is asked of the router itself: where no socket is awaited, the clock can be moved.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use integration::{
    tools::add,
    waiting::{Room, wait},
};
use serde_json::{Value, json};
use toolgate::{
    Server,
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    tools,
};
use tower::ServiceExt;

/// As many sessions as a caller may have.
const MOST: usize = 256;

/// Tokens that say whose they are.
struct Spelled;

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        Ok(Claims::new("https://login.example", presented.credentials.token()))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

struct Guarded {
    router: Router,
    room: Room,
}

/// A session, and whose it is.
#[derive(Clone)]
struct Session {
    owner: &'static str,
    id: String,
}

impl Guarded {
    async fn start(configure: impl FnOnce(Gate) -> Gate) -> Self {
        let room = Room::default();
        let app = Server::new("guarded", "1")
            .tools(tools![add, wait])
            .state(room.clone())
            .gate(configure(Gate::new(Spelled).resource("http://127.0.0.1/mcp")))
            .build()
            .await
            .unwrap();
        Self { router: app.into_router(), room }
    }

    async fn ask(&self, method: &str, owner: &str, id: &str, body: &Value) -> Response<Body> {
        let request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {owner}"))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        let request = if id.is_empty() { request } else { request.header("mcp-session-id", id) };
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn initialize(&self, owner: &str) -> Response<Body> {
        let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "c", "version": "1" },
        }});
        self.ask("POST", owner, "", &initialize).await
    }

    async fn begin(&self, owner: &'static str) -> Session {
        let begun = self.initialize(owner).await;
        assert_eq!(begun.status(), StatusCode::OK);
        let id = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let told = self.ask("POST", owner, &id, &initialized).await;
        assert_eq!(told.status(), StatusCode::ACCEPTED);
        Session { owner, id }
    }

    async fn call(&self, session: &Session, tool: &str, arguments: Value) -> Response<Body> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
        }});
        self.ask("POST", session.owner, &session.id, &call).await
    }

    /// Does the session still serve its caller?
    async fn lives(&self, session: &Session) -> bool {
        let added = self.call(session, "add", json!({ "a": 2, "b": 3 })).await;
        match added.status() {
            StatusCode::OK => text(added).await.contains("\"text\":\"5\""),
            status => {
                assert_eq!(status, StatusCode::NOT_FOUND, "so that it begins another one");
                false
            }
        }
    }

    async fn end(&self, session: &Session) {
        let ended = self.ask("DELETE", session.owner, &session.id, &Value::Null).await;
        assert_eq!(ended.status(), StatusCode::ACCEPTED);
    }
}

/// The whole body.
async fn text(response: Response<Body>) -> String {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_session_outlives_a_tool_that_is_silent_for_hours() {
    let guarded = Guarded::start(|gate| gate).await;
    let session = guarded.begin("alice").await;
    let waiting = guarded.call(&session, "wait", json!({})).await;
    guarded.room.came(1).await;
    // Nobody reads in the meantime: the comments that keep a connection alive have another clock.
    tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
    guarded.room.open();
    let answer = text(waiting).await;
    assert!(answer.contains("waited"), "{answer}");
    assert!(guarded.lives(&session).await, "and the session serves the next call");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_listened_to_is_not_idle() {
    let guarded = Guarded::start(|gate| gate).await;
    let session = guarded.begin("alice").await;
    let stream = guarded.ask("GET", "alice", &session.id, &Value::Null).await;
    assert_eq!(stream.status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
    assert!(guarded.lives(&session).await);
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_ends() {
    let guarded = Guarded::start(|gate| gate).await;
    let (idle, used) = (guarded.begin("alice").await, guarded.begin("alice").await);
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(10 * 60)).await;
        assert!(guarded.lives(&used).await);
    }
    assert!(!guarded.lives(&idle).await, "after forty minutes");
    assert!(guarded.lives(&used).await);
}

#[tokio::test]
async fn a_caller_has_so_many_sessions_and_the_idle_ones_make_room() {
    let guarded = Guarded::start(|gate| gate).await;
    let bobs = guarded.begin("bob").await;
    let oldest = guarded.begin("alice").await;
    let second = guarded.begin("alice").await;
    let busy = guarded.begin("alice").await;
    let waiting = guarded.call(&busy, "wait", json!({})).await;
    guarded.room.came(1).await;
    for _ in 3..MOST {
        guarded.begin("alice").await;
    }
    // Used just now, it is no longer the one that has been idle for longest.
    assert!(guarded.lives(&oldest).await, "all of them fit");
    let newest = guarded.begin("alice").await;
    assert!(!guarded.lives(&second).await, "it made room");
    for session in [&oldest, &newest, &bobs] {
        assert!(guarded.lives(session).await, "{}", session.owner);
    }
    for _ in 0..2 * MOST {
        guarded.begin("alice").await;
    }
    guarded.room.open();
    assert!(text(waiting).await.contains("waited"), "what is busy was not ended");
    assert!(guarded.lives(&busy).await);
    assert!(guarded.lives(&bobs).await, "and nobody else made room");
    assert!(!guarded.lives(&oldest).await);
}

#[tokio::test]
async fn a_caller_whose_sessions_are_all_in_use_is_told_to_come_back() {
    let guarded = Guarded::start(|gate| gate).await;
    let mut used = Vec::new();
    for _ in 0..MOST {
        let session = guarded.begin("alice").await;
        let stream = guarded.ask("GET", "alice", &session.id, &Value::Null).await;
        assert_eq!(stream.status(), StatusCode::OK);
        used.push((session, stream));
    }
    let refused = guarded.initialize("alice").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let said = text(refused).await;
    assert!(said.contains("too many sessions"), "{said}");
    let bobs = guarded.begin("bob").await;
    assert!(guarded.lives(&bobs).await, "nobody else suffers");

    let (ended, _) = used.pop().unwrap();
    guarded.end(&ended).await;
    assert!(!guarded.lives(&ended).await);
    let next = guarded.begin("alice").await;
    assert!(guarded.lives(&next).await);
    // Who no longer listens makes room as well.
    let (_, stream) = used.pop().unwrap();
    let listened = guarded.ask("GET", "alice", &next.id, &Value::Null).await;
    assert_eq!(guarded.initialize("alice").await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(stream);
    guarded.begin("alice").await;
    drop(listened);
}

#[tokio::test]
async fn what_fails_to_begin_takes_no_place() {
    let guarded = Guarded::start(|gate| gate).await;
    let first = guarded.begin("alice").await;
    let wrong = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {} });
    for _ in 0..2 * MOST {
        let refused = guarded.ask("POST", "alice", "", &wrong).await;
        assert_ne!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(!refused.headers().contains_key("mcp-session-id"));
    }
    assert!(guarded.lives(&first).await);
}

/// The answer of that era is a stream, whose head comes at once: it does not end the call's turn.
#[tokio::test]
async fn calls_in_sessions_count_as_long_as_they_are_under_way() {
    let guarded = Guarded::start(|gate| gate.max_concurrent_per_subject(2)).await;
    let session = guarded.begin("alice").await;
    let waiting = guarded.call(&session, "wait", json!({})).await;
    guarded.room.came(1).await;
    // The connection breaks, and the call goes on, as it does in that era.
    drop(waiting);
    let waiting = guarded.call(&session, "wait", json!({})).await;
    guarded.room.came(2).await;
    let refused = guarded.call(&session, "add", json!({ "a": 2, "b": 3 })).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let bobs = guarded.begin("bob").await;
    assert!(guarded.lives(&bobs).await);
    guarded.room.open();
    assert!(text(waiting).await.contains("waited"));
    guarded.room.left(2).await;
    tokio::task::yield_now().await;
    assert!(guarded.lives(&session).await);
}

#[tokio::test]
async fn a_session_is_nobody_elses() {
    let guarded = Guarded::start(|gate| gate).await;
    let session = guarded.begin("alice").await;
    let stolen = Session { owner: "mallory", id: session.id.clone() };
    assert!(!guarded.lives(&stolen).await);
    for method in ["GET", "DELETE"] {
        let refused = guarded.ask(method, "mallory", &session.id, &Value::Null).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{method}");
    }
    assert!(guarded.lives(&session).await);
    guarded.end(&session).await;
    assert!(!guarded.lives(&session).await);
}
