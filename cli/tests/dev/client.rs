//! Clients that try nothing twice.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// A client over HTTP/1.1, which closes a connection only after a response that asks for it.
pub(crate) struct Client {
    address: SocketAddr,
    token: String,
    session: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), session: None, connection: None }
    }

    /// A client with a session, as before 2026-07-28.
    pub(crate) async fn with_session(address: SocketAddr, token: &str) -> Self {
        let mut client = Self::new(address, token);
        let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "client", "version": "1" } } });
        let begun = client.post(&initialize, "").await.unwrap();
        assert_eq!(begun.status, 200, "{begun:?}");
        client.session = begun.session;
        assert!(client.session.is_some());
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(client.post(&ready, "").await.unwrap().status, 202);
        client
    }

    /// Calls a tool, and returns its text.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Result<String, String> {
        let mut params = json!({ "name": tool, "arguments": arguments });
        let mut headers = String::new();
        if self.session.is_none() {
            params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
            headers = format!("mcp-method: tools/call\r\nmcp-name: {tool}\r\n");
        }
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let answer = self.post(&call, &headers).await.map_err(|error| error.to_string())?;
        text_of(answer.status, &answer.body)
    }

    async fn post(&mut self, message: &Value, headers: &str) -> io::Result<Answer> {
        let body = message.to_string();
        let version = match &self.session {
            Some(session) => {
                format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {session}\r\n")
            }
            None if headers.is_empty() => String::new(),
            None => "mcp-protocol-version: 2026-07-28\r\n".to_owned(),
        };
        let request = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{version}{headers}content-length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len(),
        );
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.address).await?),
        };
        connection.write_all(request.as_bytes()).await?;
        let (answer, closes) = read(&mut connection).await?;
        if !closes {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

async fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

async fn read(connection: &mut BufReader<TcpStream>) -> io::Result<(Answer, bool)> {
    let status = line(connection).await?;
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let (mut length, mut chunked, mut closes, mut session) = (0, false, false, None);
    loop {
        let header = line(connection).await?;
        let Some((name, value)) = header.split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "content-length" => length = value.parse().unwrap_or(0),
            "transfer-encoding" => chunked = value == "chunked",
            "connection" => closes = value == "close",
            "mcp-session-id" => session = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = Vec::new();
    loop {
        if chunked {
            length = usize::from_str_radix(&line(connection).await?, 16).unwrap_or(0);
        }
        let at = body.len();
        body.resize(at + length, 0);
        connection.read_exact(&mut body[at..]).await?;
        if chunked {
            line(connection).await?;
        }
        if !chunked || length == 0 {
            break;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok((Answer { status, session, body }, closes))
}

/// The text of a tool's result, also where it came as an event.
pub(crate) fn text_of(status: u16, body: &str) -> Result<String, String> {
    let json = body.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap_or(body);
    let message: Value = serde_json::from_str(json).unwrap_or_default();
    match message["result"]["content"][0]["text"].as_str() {
        Some(text) if status == 200 && message["result"]["isError"] != true => Ok(text.to_owned()),
        _ => Err(format!("{status}: {body}")),
    }
}

/// A token of a person, whom nobody asked for a password.
pub(crate) async fn token(address: SocketAddr, person: &str) -> String {
    let url = format!("http://{address}/dev/token?user={person}&scope=orders:read");
    reqwest::get(url).await.unwrap().error_for_status().unwrap().text().await.unwrap()
}
