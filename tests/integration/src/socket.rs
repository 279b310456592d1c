//! A WebSocket client that does what a test says.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    last_id: u64,
    /// What came besides the response that was waited for.
    pub others: Vec<Value>,
}

/// The refusal of an upgrade.
#[derive(Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: String,
}

impl Socket {
    /// Opens `/ws` with these headers besides those of an upgrade.
    ///
    /// # Errors
    ///
    /// The upgrade was refused.
    ///
    /// # Panics
    ///
    /// There is no server.
    pub async fn try_open(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Refusal> {
        let mut request: Request<()> =
            format!("ws://{address}{path}").into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(address).await.expect("the server listens");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, _)) => Ok(Self { stream, last_id: 0, others: Vec::new() }),
            Err(Error::Http(response)) => Err(refusal(*response)),
            Err(error) => panic!("no answer of HTTP: {error}"),
        }
    }

    /// Opens `/ws` with a token.
    ///
    /// # Panics
    ///
    /// The upgrade was refused.
    pub async fn open(address: SocketAddr, token: &str) -> Self {
        let token = format!("Bearer {token}");
        let headers = [("sec-websocket-protocol", "mcp"), ("authorization", &token)];
        let opened = Self::try_open(address, "/ws", &headers).await;
        opened.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// As [`Socket::open`], and introduces itself with these capabilities.
    ///
    /// # Panics
    ///
    /// The upgrade was refused.
    pub async fn begin(address: SocketAddr, token: &str, capabilities: Value) -> Self {
        let mut socket = Self::open(address, token).await;
        let begun = socket.initialize(capabilities).await;
        assert_eq!(begun["result"]["protocolVersion"], "2025-11-25", "{begun}");
        socket
    }

    /// Introduces itself.
    pub async fn initialize(&mut self, capabilities: Value) -> Value {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "socket", "version": "1" },
        });
        let begun = self.request("initialize", params).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        begun
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Value) {
        self.send_frame(Message::text(message.to_string())).await;
    }

    /// Sends a frame.
    ///
    /// # Panics
    ///
    /// It cannot be sent.
    pub async fn send_frame(&mut self, frame: Message) {
        self.stream.send(frame).await.expect("the server reads");
    }

    /// Sends a request, and returns its identifier.
    pub async fn start(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&request).await;
        id
    }

    /// Sends a request, and waits for its response.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        self.response(id).await
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Waits for the response to this request.
    pub async fn response(&mut self, id: u64) -> Value {
        loop {
            let message = self.next().await;
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.others.push(message);
        }
    }

    /// The next message.
    ///
    /// # Panics
    ///
    /// The connection closes before.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).expect("JSON");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// Waits for the server to close, and returns the code and the reason.
    ///
    /// # Panics
    ///
    /// It gives none.
    pub async fn closed(mut self) -> (u16, String) {
        while let Some(read) = self.stream.next().await {
            match read {
                Ok(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Ok(_) => {}
                Err(error) => panic!("closed without a frame: {error}"),
            }
        }
        panic!("closed without a frame")
    }

    /// The connection underneath.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }
}

fn refusal(response: Response<Option<Vec<u8>>>) -> Refusal {
    let (parts, body) = response.into_parts();
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    Refusal { status: parts.status.as_u16(), headers: parts.headers, body }
}
