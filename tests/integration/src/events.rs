//! A client of the transport of 2024-11-05 that does what a test says.

use serde_json::{Value, json};

/// An open stream of events, and where its messages go.
pub struct Stream {
    response: reqwest::Response,
    /// What was read and not yet looked at.
    read: String,
    http: reqwest::Client,
    token: String,
    endpoint: String,
    last_id: u64,
    /// What came besides the response that was waited for.
    pub others: Vec<Value>,
}

impl Stream {
    /// Opens a stream, with a token unless it is empty.
    ///
    /// # Errors
    ///
    /// The response that refuses it.
    ///
    /// # Panics
    ///
    /// There is no server, or no address comes first.
    pub async fn open(url: &str, token: &str) -> Result<Self, reqwest::Response> {
        let http = reqwest::Client::new();
        let mut request = http.get(url).header("accept", "text/event-stream");
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("the server answers");
        if response.status() != 200 {
            return Err(response);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            response,
            read: String::new(),
            http,
            token: token.to_owned(),
            endpoint: String::new(),
            last_id: 0,
            others: Vec::new(),
        };
        let (name, endpoint) = stream.event().await.expect("an event");
        assert_eq!(name, "endpoint");
        stream.endpoint = endpoint;
        Ok(stream)
    }

    /// Where messages go, as the first event says.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next event: its name and its data.
    async fn event(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name)).map(str::to_owned)
                };
                let found = field("event: ").zip(field("data: "));
                self.read = String::from(rest);
                match found {
                    Some(found) => return Some(found),
                    // A comment.
                    None => continue,
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.read.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next message; `None` at the end of the stream.
    ///
    /// # Panics
    ///
    /// It is none.
    pub async fn next(&mut self) -> Option<Value> {
        let (name, data) = self.event().await?;
        assert_eq!(name, "message");
        Some(serde_json::from_str(&data).expect("JSON"))
    }

    /// Sends a message.
    ///
    /// # Panics
    ///
    /// It is not taken.
    pub async fn send(&self, message: &Value) {
        let url = self.response.url().join(&self.endpoint).expect("a URL");
        let mut request = self.http.post(url).json(message);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let sent = request.send().await.expect("the server answers");
        assert_eq!(sent.status(), 202, "{sent:?}");
    }

    /// Introduces itself.
    pub async fn initialize(&mut self) -> Value {
        let params = json!({
            "protocolVersion": "2024-11-05",
            "capabilities": {},
            "clientInfo": { "name": "stream", "version": "1" },
        });
        let begun = self.request("initialize", params).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        begun
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
    ///
    /// # Panics
    ///
    /// The stream ends before.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.others.push(message);
        }
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }
}
