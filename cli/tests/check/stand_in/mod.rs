//! Stand-in for an MCP server and its authorization server, with one switch for each fault.

pub(crate) mod fault;
mod gate;
mod issuer;
mod mcp;
mod tools;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Router, extract,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use self::fault::Fault;

/// What a stand-in is like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kind {
    pub(crate) fault: Option<Fault>,
    pub(crate) callers: Callers,
    /// Whether pages of every origin may send messages.
    pub(crate) has_cors: bool,
    /// Whether its URL is one that others reach, without https.
    pub(crate) is_public: bool,
}

/// Who may call a stand-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Those with a token.
    #[default]
    Token,
    /// Those with a token, and alice signs in without a password.
    People,
    /// All, without a token.
    Anyone,
}

/// A server that runs until it is dropped.
pub(crate) struct StandIn {
    pub(crate) state: Shared,
    task: JoinHandle<()>,
}

pub(crate) type Shared = Arc<State>;

pub(crate) struct State {
    pub(crate) kind: Kind,
    /// The URL of the server, without a path.
    pub(crate) base: String,
    /// The issuer, which is always of this machine.
    pub(crate) issuer: String,
    pub(crate) sessions: Mutex<BTreeSet<String>>,
    /// The redirect URIs of the clients.
    pub(crate) clients: Mutex<BTreeMap<String, Vec<String>>>,
    /// The authorization requests by their codes.
    pub(crate) codes: Mutex<BTreeMap<String, HashMap<String, String>>>,
}

impl State {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.kind.fault == Some(fault)
    }

    pub(crate) fn resource(&self) -> String {
        format!("{}/mcp", self.base)
    }
}

impl StandIn {
    pub(crate) async fn start(kind: Kind) -> Self {
        let address = if kind.is_public { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            kind,
            base: format!("http://{address}:{port}"),
            issuer: format!("http://127.0.0.1:{port}"),
            sessions: Mutex::default(),
            clients: Mutex::default(),
            codes: Mutex::default(),
        });
        let router = router(&state);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { state, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.state.resource()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(state: &Shared) -> Router {
    let resource = "/.well-known/oauth-protected-resource";
    let router = Router::new()
        .route("/mcp", any(mcp::endpoint))
        .route("/moved", any(mcp::endpoint))
        .route(resource, get(gate::metadata_at_root))
        .route(&format!("{resource}/mcp"), get(gate::metadata))
        .route("/.well-known/oauth-authorization-server", get(issuer::metadata))
        .route("/keys", get(issuer::keys))
        .route("/authorize", get(issuer::authorize))
        .route("/token", post(issuer::token))
        .route("/dev/token", get(issuer::token_of_person))
        .route("/oauth/consent", post(issuer::consent))
        .route("/register", post(issuer::register))
        .route("/sse", get(sse))
        .route("/ws", get(websocket));
    let dated = middleware::from_fn_with_state(Arc::clone(state), date);
    router.layer(dated).with_state(Arc::clone(state))
}

/// A `Date` of another day, if that is the fault.
async fn date(
    extract::State(state): extract::State<Shared>,
    request: extract::Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if state.has(Fault::Clock) {
        let date = HeaderValue::from_static("Tue, 03 Mar 2026 10:00:00 GMT");
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn sse(extract::State(state): extract::State<Shared>) -> Response {
    if !state.has(Fault::OpenSse) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let event = "event: endpoint\ndata: /messages?sessionId=1\n\n";
    ([(header::CONTENT_TYPE, "text/event-stream")], event).into_response()
}

async fn websocket(extract::State(state): extract::State<Shared>) -> Response {
    if !state.has(Fault::OpenWebSocket) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// JSON with this status.
fn reply(status: u16, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}

fn rpc_error(status: u16, id: &Value, code: i32, message: &str) -> Response {
    let error = json!({ "code": code, "message": message });
    reply(status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

/// A header as text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
