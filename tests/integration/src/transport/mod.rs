//! Sessions over every transport: one client, so that a test need not know which one it uses.

mod events;
mod http;
mod sse;
mod websocket;

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::time::timeout;

pub use self::{sse::Stream, websocket::Socket};

/// A transport of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP, in a session of 2025-11-25.
    Http,
    /// HTTP with server-sent events, of 2024-11-05.
    Sse,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Sse, Self::WebSocket];

    /// Those whose session is a connection, and ends with it.
    pub const CONNECTED: [Self; 2] = [Self::Sse, Self::WebSocket];

    /// Where clients connect.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Http => "/mcp",
            Self::Sse => "/sse",
            Self::WebSocket => "/ws",
        }
    }
}

/// How a client connects: its headers and its address.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    headers: HeaderMap,
    from: Option<IpAddr>,
    query: String,
}

impl Opening {
    /// With this token.
    pub fn bearer(token: impl std::fmt::Display) -> Self {
        Self::default().header("authorization", &format!("Bearer {token}"))
    }

    /// With another header.
    ///
    /// # Panics
    ///
    /// It is none.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// From this address of the machine.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// With this query in the URL.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    fn target(&self, path: &str) -> String {
        if self.query.is_empty() { path.to_owned() } else { format!("{path}?{}", self.query) }
    }
}

/// Why a server did not take a request.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status of the response.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Refusal {
    /// The challenge, if it has one.
    pub fn challenge(&self) -> &str {
        self.header("www-authenticate")
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap_or_default() }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The code, if the server gave one.
    pub code: Option<u16>,
    /// The words that came with it.
    pub reason: String,
}

/// A client, connected to a server.
#[derive(Debug)]
pub struct Dialogue {
    link: Link,
    arrived: VecDeque<Value>,
    last_id: u64,
}

#[derive(Debug)]
enum Link {
    Http(http::Session),
    Sse(Box<Stream>),
    WebSocket(Box<Socket>),
}

/// Waits for what has to happen, and not for ever.
///
/// # Panics
///
/// It does not happen.
pub async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), event).await.expect("it happens")
}

impl Dialogue {
    /// Connects, without a message. Over streamable HTTP that is nothing yet.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn connect(
        address: SocketAddr,
        transport: Transport,
        opening: &Opening,
    ) -> Result<Self, Refusal> {
        let link = match transport {
            Transport::Http => Link::Http(http::Session::new(address, opening)),
            Transport::Sse => Link::Sse(Box::new(soon(Stream::open(address, opening)).await?)),
            Transport::WebSocket => {
                Link::WebSocket(Box::new(soon(Socket::open(address, opening)).await?))
            }
        };
        Ok(Self { link, arrived: VecDeque::new(), last_id: 0 })
    }

    /// Connects, and begins a session.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn begin(
        address: SocketAddr,
        transport: Transport,
        opening: &Opening,
    ) -> Result<Self, Refusal> {
        Self::begin_with(address, transport, opening, json!({})).await
    }

    /// As [`begin`](Self::begin), by a client with these capabilities.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn begin_with(
        address: SocketAddr,
        transport: Transport,
        opening: &Opening,
        capabilities: Value,
    ) -> Result<Self, Refusal> {
        let mut dialogue = Self::connect(address, transport, opening).await?;
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "c", "version": "1" },
        });
        dialogue.ask("initialize", params).await?;
        dialogue.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(dialogue)
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn send(&mut self, message: &Value) -> Result<(), Refusal> {
        self.send_text(message.to_string()).await
    }

    /// Sends a text that may be no message.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn send_text(&mut self, text: String) -> Result<(), Refusal> {
        match &mut self.link {
            Link::Http(session) => self.arrived.extend(soon(session.post(text)).await?),
            Link::Sse(stream) => soon(stream.post(text)).await?,
            Link::WebSocket(socket) => soon(socket.send(text)).await,
        }
        Ok(())
    }

    /// The next message; `None` if the server ended the connection.
    pub async fn receive(&mut self) -> Option<Value> {
        if let Some(arrived) = self.arrived.pop_front() {
            return Some(arrived);
        }
        match &mut self.link {
            Link::Http(_) => None,
            Link::Sse(stream) => soon(stream.receive()).await,
            Link::WebSocket(socket) => soon(socket.receive()).await,
        }
    }

    /// Sends a request, and returns the response to it; messages that come before are dropped.
    ///
    /// # Errors
    ///
    /// The server refuses it, or ends the connection, which is a refusal with the status 0.
    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Refusal> {
        let id = self.request(method, params).await?;
        self.answer(id).await
    }

    /// Sends a request, and returns its identifier.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<u64, Refusal> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request).await?;
        Ok(id)
    }

    /// Waits for the response to this request; messages that come before are dropped.
    ///
    /// # Errors
    ///
    /// The server ends the connection, which is a refusal with the status 0.
    pub async fn answer(&mut self, id: u64) -> Result<Value, Refusal> {
        while let Some(message) = self.receive().await {
            if message["id"] == id && message.get("method").is_none() {
                return Ok(message);
            }
        }
        Err(Refusal { status: 0, headers: HeaderMap::new(), body: self.end().await.reason })
    }

    /// Calls a tool.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, Refusal> {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Sends a call, and does not wait.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn begin_call(&mut self, tool: &str, arguments: Value) -> Result<u64, Refusal> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Reads up to the end of the connection, and returns how it ended.
    pub async fn end(&mut self) -> End {
        self.arrived.clear();
        while self.receive().await.is_some() {}
        match &self.link {
            Link::WebSocket(socket) => socket.end.clone(),
            Link::Http(_) | Link::Sse(_) => End::default(),
        }
    }

    /// The stream of a client of 2024.
    ///
    /// # Panics
    ///
    /// It is another transport.
    pub fn stream(&mut self) -> &mut Stream {
        let Link::Sse(stream) = &mut self.link else { panic!("there is no stream") };
        stream
    }

    /// The socket of a client over WebSocket.
    ///
    /// # Panics
    ///
    /// It is another transport.
    pub fn socket(&mut self) -> &mut Socket {
        let Link::WebSocket(socket) = &mut self.link else { panic!("there is no socket") };
        socket
    }
}

/// The challenge of a response or a refusal, wherever it stands; empty if there is none.
pub fn challenge_of(answer: &Result<Value, Refusal>) -> String {
    match answer {
        Ok(answer) => {
            let of = |value: &Value| value["mcp/www_authenticate"][0].as_str().map(str::to_owned);
            of(&answer["error"]["data"]).or_else(|| of(&answer["result"]["_meta"]))
        }
        Err(refusal) => Some(refusal.challenge().to_owned()),
    }
    .unwrap_or_default()
}
