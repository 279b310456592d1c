//! Sessions of clients of 2025, without sockets: at one server, or at two whose answers are compared.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use rmcp::ServerHandler;
use serde_json::{Value, json};
use toolgate::{
    server::{NoFallback, ToolgateService},
    testing::RESOURCE,
};
use tower::ServiceExt;

use crate::two_ways::{Sent, TwoWays};

/// The revisions that have sessions, the newest first.
pub const REVISIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

/// A value of `Mcp-Session-Id` that stands for the session of the client that sends it.
pub const ITS_SESSION: &str = "ITS SESSION";

/// As [`ITS_SESSION`], with small letters for capital ones and the other way round.
pub const ITS_SESSION_IN_ANOTHER_CASE: &str = "ITS SESSION, IN ANOTHER CASE";

/// The longest identifier of a session.
const MAX_SESSION_ID_LEN: usize = 1024;

/// The `Host` of a server without a gate.
const LOCAL_HOST: &str = "127.0.0.1";

/// No answer takes as long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A client in a session.
#[derive(Clone, Debug)]
pub struct Client<'a, H: ServerHandler = NoFallback> {
    service: &'a ToolgateService<H>,
    /// The identifier of its session.
    pub id: String,
    /// What it was told at the beginning.
    pub welcome: Value,
    token: String,
    revision: &'static str,
    is_local: bool,
}

/// An answer, in the same words whether it came as JSON or as a stream of events.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The identifier in `Mcp-Session-Id`.
    pub session: Option<String>,
    /// The messages, in order; none of a stream that has no end.
    pub messages: Vec<Value>,
    headers: BTreeSet<(String, Vec<u8>)>,
    /// The body, if it is neither JSON nor a stream.
    pub text: String,
}

impl PartialEq for Reply {
    /// The sessions of two servers have different names.
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status
            && self.session.is_some() == other.session.is_some()
            && self.messages == other.messages
            && self.headers == other.headers
            && self.text == other.text
    }
}

impl Reply {
    /// The last message.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn message(&self) -> &Value {
        self.messages.last().unwrap_or_else(|| panic!("no message: {self:?}"))
    }

    /// A header, if it is one that is compared.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// The parameters of an `initialize`.
pub fn initialize(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": { "name": "client", "version": "1" },
    })
}

/// A request with this identifier.
pub fn request(id: impl Into<Value>, method: &str, params: &Value) -> Vec<u8> {
    let id = id.into();
    let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    message.to_string().into_bytes()
}

/// A notification.
pub fn notification(method: &str, params: &Value) -> Vec<u8> {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    message.to_string().into_bytes()
}

/// A message of a client of 2025 about which nothing is unusual. `revision`: that of its session, if
/// it has one.
pub fn sent(revision: Option<&'static str>, token: &str, body: Vec<u8>) -> Sent {
    let host = RESOURCE.split('/').nth(2).unwrap_or_default();
    let mut headers = vec![
        ("host", host),
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
    ];
    if !token.is_empty() {
        headers.push(("authorization", token));
    }
    if let Some(revision) = revision {
        headers.push(("mcp-session-id", ITS_SESSION));
        // The header came with 2025-06-18.
        if revision != "2025-03-26" {
            headers.push(("mcp-protocol-version", revision));
        }
    }
    let headers = headers.into_iter().map(|(name, value)| (name, value.as_bytes().to_vec()));
    Sent { headers: headers.collect(), body }
}

/// Sends a request to one server. `id`: the session of its client. `None` if HTTP cannot carry it.
///
/// # Panics
///
/// No answer comes, or a session has a name that HTTP does not carry everywhere.
pub async fn ask<H: ServerHandler>(
    service: &ToolgateService<H>,
    method: Method,
    sent: &Sent,
    id: &str,
) -> Option<Reply> {
    let has_end = !matches!(method, Method::GET | Method::HEAD);
    let mut request = Request::builder().method(method).uri("/mcp");
    if !sent.body.is_empty() {
        request = request.header(header::CONTENT_LENGTH, sent.body.len());
    }
    for (name, value) in &sent.headers {
        if *name == "host" && value == LOCAL_HOST.as_bytes() {
            request = request.extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
        }
        let other_case = || id.chars().map(other_case).collect::<String>();
        request = match value.as_slice() {
            value if value == ITS_SESSION.as_bytes() => request.header(*name, id),
            value if value == ITS_SESSION_IN_ANOTHER_CASE.as_bytes() => {
                request.header(*name, other_case())
            }
            value => request.header(*name, value),
        };
    }
    let request = request.body(Body::from(sent.body.clone())).ok()?;
    let answer = async {
        let Ok(response) = service.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let is_stream = is(&parts.headers, "text/event-stream");
        let body = if is_stream && !has_end {
            Ok(Vec::new())
        } else {
            body.collect().await.map(|body| body.to_bytes().to_vec())
        };
        (parts, body)
    };
    let (parts, body) = tokio::time::timeout(ANSWER_TIMEOUT, answer).await.expect("it is answered");
    let text = String::from_utf8_lossy(&body.ok()?).into_owned();
    let messages: Option<Vec<Value>> = if is(&parts.headers, "text/event-stream") {
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        let data = data.map(str::trim).filter(|data| !data.is_empty());
        data.map(|data| serde_json::from_str(data).ok()).collect()
    } else {
        serde_json::from_str(&text).ok().map(|message| vec![message])
    };
    let text = if messages.is_some() { String::new() } else { text };
    let session = parts.headers.get("mcp-session-id").map(|id| {
        let is_visible = id.as_bytes().iter().all(u8::is_ascii_graphic);
        assert!(is_visible && (1..=MAX_SESSION_ID_LEN).contains(&id.len()), "{id:?}");
        id.to_str().unwrap_or_default().to_owned()
    });
    let (status, messages) = (parts.status, messages.unwrap_or_default());
    Some(Reply { status, session, messages, headers: compared(&parts.headers), text })
}

/// The headers that both ways have in common: without those that a stream has, also one that became
/// JSON because the client takes nothing else.
fn compared(headers: &HeaderMap) -> BTreeSet<(String, Vec<u8>)> {
    let is_message = is(headers, "text/event-stream") || is(headers, "application/json");
    let is_compared = |name: &HeaderName, value: &HeaderValue| match name.as_str() {
        "content-length" | "mcp-session-id" => false,
        "content-type" | "x-accel-buffering" => !is_message,
        "cache-control" => !(is_message && value == "no-cache"),
        _ => true,
    };
    let compared = headers.iter().filter(|(name, value)| is_compared(name, value));
    compared.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes().starts_with(media_type.as_bytes()))
}

fn other_case(letter: char) -> char {
    if letter.is_ascii_uppercase() {
        letter.to_ascii_lowercase()
    } else {
        letter.to_ascii_uppercase()
    }
}

impl<'a, H: ServerHandler> Client<'a, H> {
    /// Begins a session. An empty token is none.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub async fn begin(
        service: &'a ToolgateService<H>,
        revision: &'static str,
        token: &str,
    ) -> Self {
        let client = Self::initialize(service, revision, token, &initialize(revision)).await;
        let reply = client.notify("notifications/initialized", &json!({})).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        client
    }

    /// Begins a session with these parameters, and does not say that it is initialized.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub async fn initialize(
        service: &'a ToolgateService<H>,
        revision: &'static str,
        token: &str,
        params: &Value,
    ) -> Self {
        let mut client = Self::new(service, revision, token);
        client.start(params).await;
        client
    }

    /// Begins a session at a server without a gate.
    pub async fn begin_locally(service: &'a ToolgateService<H>, revision: &'static str) -> Self {
        let mut client = Self::new(service, revision, "");
        client.is_local = true;
        client.start(&initialize(revision)).await;
        client
    }

    fn new(service: &'a ToolgateService<H>, revision: &'static str, token: &str) -> Self {
        Self {
            service,
            id: String::new(),
            welcome: Value::Null,
            token: token.to_owned(),
            revision,
            is_local: false,
        }
    }

    async fn start(&mut self, params: &Value) {
        let no_session = [("mcp-session-id", ""), ("mcp-protocol-version", "")];
        let body = request(0, "initialize", params);
        let reply = self.send_with(Method::POST, &no_session, body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        self.welcome = reply.message().clone();
        self.id = reply.session.unwrap_or_else(|| panic!("no session: {}", self.welcome));
    }

    /// Sends a request; `None` if HTTP cannot carry it.
    pub async fn send(&self, method: Method, sent: &Sent) -> Option<Reply> {
        ask(self.service, method, sent, &self.id).await
    }

    /// Sends a message about which nothing is unusual, with these headers in place of its own; an
    /// empty value removes one.
    ///
    /// # Panics
    ///
    /// HTTP cannot carry it.
    pub async fn send_with(
        &self,
        method: Method,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let mut sent = sent(Some(self.revision), &self.token, body);
        let local = self.is_local.then_some(&("host", LOCAL_HOST));
        for (name, value) in local.into_iter().chain(headers) {
            sent.headers.retain(|(other, _)| other != name);
            if !value.is_empty() {
                sent.headers.push((name, value.as_bytes().to_vec()));
            }
        }
        self.send(method, &sent).await.expect("HTTP carries it")
    }

    /// Sends a message.
    pub async fn post(&self, body: Vec<u8>) -> Reply {
        self.send_with(Method::POST, &[], body).await
    }

    /// Sends a request.
    pub async fn request(&self, id: impl Into<Value>, method: &str, params: &Value) -> Reply {
        self.post(request(id, method, params)).await
    }

    /// Calls a tool.
    pub async fn call(&self, id: impl Into<Value>, tool: &str, arguments: &Value) -> Reply {
        self.request(id, "tools/call", &json!({ "name": tool, "arguments": arguments })).await
    }

    /// Sends a notification.
    pub async fn notify(&self, method: &str, params: &Value) -> Reply {
        self.post(notification(method, params)).await
    }

    /// Ends the session.
    pub async fn delete(&self) -> Reply {
        self.send_with(Method::DELETE, &[("content-type", "")], Vec::new()).await
    }
}

/// A client in a session at each of two servers.
#[derive(Debug)]
pub struct Both<'a, H: ServerHandler = NoFallback>([Client<'a, H>; 2]);

impl<'a, H: ServerHandler> Both<'a, H> {
    /// Begins a session at both.
    ///
    /// # Panics
    ///
    /// They begin in different words.
    pub async fn begin(ways: &'a TwoWays<H>, revision: &'static str, token: &str) -> Self {
        let [short, long] = ways.services();
        let short = Client::begin(short, revision, token).await;
        let long = Client::begin(long, revision, token).await;
        assert_eq!(short.welcome, long.welcome, "{revision}");
        Self([short, long])
    }

    /// Sends a message both ways; `None` if HTTP cannot carry it.
    ///
    /// # Panics
    ///
    /// The two answers differ.
    pub async fn send(&self, sent: &Sent) -> Option<Reply> {
        let [short, long] = &self.0;
        let said = short.send(Method::POST, sent).await?;
        let expected = long.send(Method::POST, sent).await?;
        assert_eq!(said, expected, "left: the fast path, right: rmcp; {sent}");
        Some(said)
    }

    /// A message about which nothing is unusual.
    pub fn sent(&self, body: Vec<u8>) -> Sent {
        let [client, _] = &self.0;
        sent(Some(client.revision), &client.token, body)
    }
}

/// Runs a sequence of requests at both servers, and returns its answers.
///
/// # Panics
///
/// The answers differ.
pub async fn compare<'a, H: ServerHandler>(
    ways: &'a TwoWays<H>,
    sequence: impl AsyncFn(&'a ToolgateService<H>) -> Vec<Reply>,
) -> Vec<Reply> {
    let [short, long] = ways.services();
    let (said, expected) = (sequence(short).await, sequence(long).await);
    for (at, (said, expected)) in said.iter().zip(&expected).enumerate() {
        assert_eq!(said, expected, "answer {at}; left: the fast path, right: rmcp");
    }
    assert_eq!(said.len(), expected.len());
    said
}
