//! Sessions of clients of 2025: they cost nothing while nothing happens, and end when their clients
//! say so. What lives of them, for streams and tools that speak, is bounded.
//!
//! It is asked of the router itself: where no socket is awaited, the clock can be moved.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use futures::{FutureExt, StreamExt};
use integration::{
    tools::add,
    waiting::{Room, wait, wait_aloud},
};
use serde_json::{Value, json};
use toolgate::{
    Server,
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    grant::{ManualClock, MasterKey, SqliteStore},
    tools,
};
use tower::ServiceExt;

/// As many sessions as may live of one caller.
const MOST: usize = 256;

/// Tokens that say whose they are, and which client presents them: `alice+codex`.
struct Spelled;

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let claims = |subject: &str| Claims::new("https://login.example", subject);
        Ok(match presented.credentials.token().split_once('+') {
            Some((subject, client)) => claims(subject).client(client),
            None => claims(presented.credentials.token()),
        })
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

/// What several processes share.
struct Shared {
    directory: tempfile::TempDir,
    key: MasterKey,
}

impl Shared {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), key: MasterKey::generate() }
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
        Self::with(|server| server, configure).await
    }

    /// A process of several that share a store.
    async fn replica(shared: &Shared) -> Self {
        let store = SqliteStore::at(shared.directory.path()).key(shared.key.clone());
        let store = store.open().await.unwrap();
        Self::with(|server| server.store(store), |gate| gate).await
    }

    async fn with(
        add_to: impl FnOnce(Server) -> Server,
        configure: impl FnOnce(Gate) -> Gate,
    ) -> Self {
        let room = Room::default();
        let server = Server::new("guarded", "1")
            .tools(tools![add, wait, wait_aloud])
            .state(room.clone())
            .gate(configure(Gate::new(Spelled).resource("http://127.0.0.1/mcp")));
        let app = add_to(server).build().await.unwrap();
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

    /// Starts what serves the session, and leaves it idle.
    async fn enliven(&self, session: &Session) {
        assert_eq!(self.listen(session).await.status(), StatusCode::OK);
    }

    /// The stream of a session.
    async fn listen(&self, session: &Session) -> Response<Body> {
        self.ask("GET", session.owner, &session.id, &Value::Null).await
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
    let streamed = guarded.call(&session, "wait_aloud", json!({})).await;
    let later = async {
        guarded.room.came(2).await;
        // Nobody reads in the meantime: the comments that keep a connection alive have another clock.
        tokio::time::sleep(Duration::from_secs(5 * 3600)).await;
        guarded.room.open();
    };
    let (plain, ()) = tokio::join!(guarded.call(&session, "wait", json!({})), later);
    for answer in [text(plain).await, text(streamed).await] {
        assert!(answer.contains("waited"), "{answer}");
    }
    assert!(guarded.lives(&session).await, "and the session serves the next call");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_listened_to_is_not_idle() {
    let guarded = Guarded::start(|gate| gate).await;
    let session = guarded.begin("alice").await;
    let stream = guarded.listen(&session).await;
    assert_eq!(stream.status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(50 * 60)).await;
    let mut events = stream.into_body().into_data_stream();
    while let Some(event) = events.next().now_or_never() {
        assert!(event.is_some(), "the stream goes on");
    }
    assert!(guarded.lives(&session).await);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_goes_on_when_it_is_used() {
    let guarded = Guarded::start(|gate| gate).await;
    let (idle, enlivened) = (guarded.begin("alice").await, guarded.begin("alice").await);
    guarded.enliven(&enlivened).await;
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    guarded.room.open();
    for session in [&idle, &enlivened] {
        assert!(guarded.lives(session).await);
        let answer = text(guarded.call(session, "wait_aloud", json!({})).await).await;
        assert!(answer.contains("waited"), "{answer}");
        guarded.enliven(session).await;
    }
}

#[tokio::test]
async fn a_session_ends_after_thirty_days() {
    let clock = Arc::new(ManualClock::new());
    let server = |server: Server| server.clock(clock.clone());
    let guarded = Guarded::with(server, |gate| gate).await;
    let session = guarded.begin("alice").await;
    clock.advance(Duration::from_secs(30 * 24 * 3600 - 1));
    assert!(guarded.lives(&session).await);
    clock.advance(Duration::from_secs(1));
    assert!(!guarded.lives(&session).await);
}

#[tokio::test]
async fn so_many_sessions_of_a_caller_live_and_the_idle_ones_make_room() {
    let guarded = Guarded::start(|gate| gate).await;
    let bobs = guarded.begin("bob").await;
    let bobs_stream = guarded.listen(&bobs).await;
    let busy = guarded.begin("alice").await;
    let waiting = guarded.call(&busy, "wait_aloud", json!({})).await;
    guarded.room.came(1).await;
    let mut sessions = Vec::new();
    for _ in 0..2 * MOST {
        let session = guarded.begin("alice").await;
        guarded.enliven(&session).await;
        sessions.push(session);
    }
    for session in &sessions {
        assert!(guarded.lives(session).await, "those that made room go on as well");
    }
    guarded.enliven(&sessions[0]).await;
    guarded.room.open();
    assert!(text(waiting).await.contains("waited"), "what is busy was not ended");
    assert!(guarded.lives(&busy).await);
    let mut events = bobs_stream.into_body().into_data_stream();
    while let Some(event) = events.next().now_or_never() {
        assert!(event.is_some(), "and nobody else made room");
    }
}

#[tokio::test]
async fn a_caller_whose_live_sessions_are_all_in_use_is_told_to_come_back() {
    let guarded = Guarded::start(|gate| gate).await;
    let mut used = Vec::new();
    for _ in 0..MOST {
        let session = guarded.begin("alice").await;
        let stream = guarded.listen(&session).await;
        assert_eq!(stream.status(), StatusCode::OK);
        used.push((session, stream));
    }
    let one_more = guarded.begin("alice").await;
    let refused = guarded.listen(&one_more).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let said = text(refused).await;
    assert!(said.contains("too many sessions"), "{said}");
    assert!(guarded.lives(&one_more).await, "its calls need no place");
    let needless = guarded.begin("alice").await;
    guarded.end(&needless).await;
    let bobs = guarded.begin("bob").await;
    guarded.enliven(&bobs).await;

    let (ended, _) = used.pop().unwrap();
    guarded.end(&ended).await;
    assert!(!guarded.lives(&ended).await);
    let listened = guarded.listen(&one_more).await;
    assert_eq!(listened.status(), StatusCode::OK);
    // Who no longer listens makes room as well.
    let next = guarded.begin("alice").await;
    assert_eq!(guarded.listen(&next).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let (_, stream) = used.pop().unwrap();
    drop(stream);
    guarded.enliven(&next).await;
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

/// A tool that could speak is answered by a stream, whose head comes at once: it does not end the
/// call's turn.
#[tokio::test]
async fn calls_in_sessions_count_as_long_as_they_are_under_way() {
    let guarded = Guarded::start(|gate| gate.max_concurrent_per_subject(2)).await;
    let session = guarded.begin("alice").await;
    let waiting = guarded.call(&session, "wait_aloud", json!({})).await;
    guarded.room.came(1).await;
    // The connection breaks, and the call goes on, as it does in that era.
    drop(waiting);
    let quiet = async { text(guarded.call(&session, "wait", json!({})).await).await };
    let later = async {
        guarded.room.came(2).await;
        let refused = guarded.call(&session, "add", json!({ "a": 2, "b": 3 })).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        // What answers a request of a call must not wait for the call to end.
        let answer = json!({ "jsonrpc": "2.0", "id": 0, "result": { "action": "accept" } });
        let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": { "requestId": 77 } });
        for message in [answer, cancel] {
            let accepted = guarded.ask("POST", "alice", &session.id, &message).await;
            assert_eq!(accepted.status(), StatusCode::ACCEPTED, "{message}");
        }
        let bobs = guarded.begin("bob").await;
        assert!(guarded.lives(&bobs).await);
        guarded.room.open();
    };
    let (answer, ()) = tokio::join!(quiet, later);
    assert!(answer.contains("waited"), "{answer}");
    guarded.room.left(2).await;
    tokio::task::yield_now().await;
    assert!(guarded.lives(&session).await);
}

#[tokio::test]
async fn a_session_is_nobody_elses() {
    let guarded = Guarded::start(|gate| gate).await;
    let session = guarded.begin("alice").await;
    for owner in ["mallory", "alice+codex"] {
        let stolen = Session { owner, id: session.id.clone() };
        assert!(!guarded.lives(&stolen).await, "{owner}");
        for method in ["GET", "DELETE", "HEAD"] {
            let refused = guarded.ask(method, owner, &session.id, &Value::Null).await;
            assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{owner} {method}");
        }
    }
    assert!(guarded.lives(&session).await);
    guarded.end(&session).await;
    assert!(!guarded.lives(&session).await);
    for method in ["GET", "DELETE", "HEAD"] {
        let over = guarded.ask(method, "alice", &session.id, &Value::Null).await;
        assert_eq!(over.status(), StatusCode::NOT_FOUND, "{method}");
    }
}

#[tokio::test]
async fn what_is_no_session_of_this_server_is_not_found() {
    let (guarded, elsewhere) =
        (Guarded::start(|gate| gate).await, Guarded::start(|gate| gate).await);
    let Session { owner, id } = guarded.begin("alice").await;
    let foreign = elsewhere.begin("alice").await.id;
    let half = id[..id.len() / 2].to_owned();
    let changed: String = id.chars().rev().collect();
    for id in [foreign, half, changed, format!("{id}{id}"), "x".repeat(4000), "-".to_owned()] {
        let session = Session { owner, id };
        assert!(!guarded.lives(&session).await, "{}", session.id);
        assert_eq!(guarded.listen(&session).await.status(), StatusCode::NOT_FOUND);
    }
}

/// Each request arrives at another process, the first of which is gone in the end.
#[tokio::test]
async fn a_session_lives_in_every_process_and_outlives_each() {
    let store = Shared::new();
    let first = Guarded::replica(&store).await;
    let session = first.begin("alice").await;
    let mut processes = [first, Guarded::replica(&store).await];
    for round in 0..6 {
        let guarded = &processes[round % 2];
        guarded.room.open();
        assert!(guarded.lives(&session).await, "{round}");
        let answer = text(guarded.call(&session, "wait_aloud", json!({})).await).await;
        assert!(answer.contains("waited"), "{round}: {answer}");
        guarded.enliven(&session).await;
        let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
        let listed = text(guarded.ask("POST", "alice", &session.id, &list).await).await;
        assert!(listed.contains("wait_aloud"), "{listed}");
        if round % 2 == 1 {
            // A restart.
            processes[(round / 2) % 2] = Guarded::replica(&store).await;
        }
    }
    let stolen = Session { owner: "mallory", id: session.id.clone() };
    assert!(!processes[1].lives(&stolen).await);
}

#[tokio::test]
async fn a_session_that_was_ended_is_over_in_every_process() {
    let store = Shared::new();
    let (one, other) = (Guarded::replica(&store).await, Guarded::replica(&store).await);
    let (ended, kept) = (one.begin("alice").await, one.begin("alice").await);
    one.enliven(&ended).await;
    one.end(&ended).await;
    let restarted = Guarded::replica(&store).await;
    for guarded in [&one, &other, &restarted] {
        assert!(!guarded.lives(&ended).await);
        assert_eq!(guarded.listen(&ended).await.status(), StatusCode::NOT_FOUND);
        assert!(guarded.lives(&kept).await, "the others of its owner go on");
    }
}

/// Many requests at once find out that the session does not live here yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_restored_once_for_all_requests_that_need_it() {
    let store = Shared::new();
    let begun = Guarded::replica(&store).await;
    for _ in 0..20 {
        let session = begun.begin("alice").await;
        let guarded = Guarded::replica(&store).await;
        guarded.room.open();
        let call = async |id: u32| {
            let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
                "name": "wait_aloud", "arguments": {},
            }});
            guarded.ask("POST", "alice", &session.id, &call).await
        };
        for answer in futures::future::join_all((0..8).map(call)).await {
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(text(answer).await.contains("waited"));
        }
    }
}
