//! Calls as they are on the wire, for clients that do not behave.

use std::{net::SocketAddr, time::Duration};

use futures::future::{FutureExt, select_all};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::client::call_message;

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The short one.
    Quick,
    /// By rmcp, because the client wants to hear of progress, and the tool could tell it.
    Rmcp,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Rmcp];

    /// The tool of [`waiting`](crate::waiting) that goes this way: `name`, or the one that could
    /// speak.
    pub fn tool(self, name: &str) -> String {
        match self {
            Self::Quick => name.to_owned(),
            Self::Rmcp => format!("{name}_aloud"),
        }
    }
}

/// The message of a call of 2026-07-28.
pub fn call(tool: &str, arguments: &Value, way: Way) -> Value {
    let mut message = call_message(tool, arguments.clone());
    if way == Way::Rmcp {
        message["params"]["_meta"]["progressToken"] = json!("so far");
    }
    message
}

/// The whole request for a call.
pub fn request(tool: &str, arguments: &Value, way: Way) -> String {
    let body = call(tool, arguments, way).to_string();
    let head = head(&format!(
        "content-length: {}\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n",
        body.len()
    ));
    format!("{head}{body}")
}

/// The head of a request with these headers more.
pub fn head(more: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{more}\r\n"
    )
}

/// A connection of a client.
#[derive(Debug)]
pub struct Wire(pub TcpStream);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, with its chunks as they are.
    pub body: String,
}

impl Wire {
    /// Connects.
    ///
    /// # Panics
    ///
    /// Nobody listens there.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server listens"))
    }

    /// Connects, and sends this.
    ///
    /// # Panics
    ///
    /// It cannot be sent.
    pub async fn with(address: SocketAddr, text: &str) -> Self {
        let mut wire = Self::connect(address).await;
        wire.send(text).await;
        wire
    }

    /// Sends this.
    ///
    /// # Panics
    ///
    /// It cannot be sent.
    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// Reads the next answer, and no byte more.
    ///
    /// # Panics
    ///
    /// None comes.
    pub async fn answer(&mut self) -> Answer {
        let head = self.read_until("\r\n\r\n").await.to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in: {head}"));
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = match length {
            Some(length) => {
                let mut body = vec![0; length.parse().expect("a length")];
                self.0.read_exact(&mut body).await.expect("the whole answer");
                String::from_utf8(body).expect("text")
            }
            None if head.contains("transfer-encoding: chunked") => {
                self.read_until("\r\n0\r\n\r\n").await
            }
            None => String::new(),
        };
        Answer { status, body }
    }

    /// Reads up to `end`.
    ///
    /// # Panics
    ///
    /// It does not come.
    pub async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await;
            read.push(byte.unwrap_or_else(|error| {
                panic!("{error} after: {}", String::from_utf8_lossy(&read))
            }));
        }
        String::from_utf8(read).expect("text")
    }

    /// Leaves, and returns when the server has let go of the connection, and so of the call.
    ///
    /// # Panics
    ///
    /// The connection broke before.
    pub async fn leave(mut self) {
        self.0.shutdown().await.expect("the connection is there");
        let mut rest = Vec::new();
        // A reset is as good as an end.
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

/// Calls a tool over a connection of its own.
pub async fn post(address: SocketAddr, tool: &str, arguments: &Value, way: Way) -> Answer {
    Wire::with(address, &request(tool, arguments, way)).await.answer().await
}

/// Begins 200 forms from another address of this machine, whose bodies never come. Returns the first
/// answer, if one comes before the server gives up a body, and the connections, which stay open.
///
/// # Panics
///
/// Nobody listens at `url`.
pub async fn forms_without_end(url: &reqwest::Url) -> (Option<Answer>, Vec<Wire>) {
    let server = url.socket_addrs(|| None).expect("an address")[0];
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\n",
        url.path()
    );
    let mut forms = Vec::new();
    for _ in 0..200 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).expect("an address of this machine");
        let mut form = Wire(socket.connect(server).await.expect("the server listens"));
        form.send(&head).await;
        forms.push(form);
    }
    let answers = select_all(forms.iter_mut().map(|form| form.answer().boxed()));
    let first = timeout(Duration::from_secs(8), answers).await;
    (first.ok().map(|(answer, ..)| answer), forms)
}
