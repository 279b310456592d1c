//! Messages of MCP over streamable HTTP, in both eras: with sessions (2025) and without (2026-07-28).

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use url::Url;

use super::http::{Answer, Failure, Http, Read};

/// The newest version with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// The version without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// The header of a session's identifier.
pub(crate) const SESSION: &str = "mcp-session-id";

/// The header of the protocol's version.
pub(crate) const VERSION: &str = "mcp-protocol-version";

/// An MCP server, and how it is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) http: Http,
    pub(crate) endpoint: Url,
    /// The access token, if there is one.
    pub(crate) token: Option<String>,
    pub(crate) session: Option<String>,
    /// The version that was agreed on.
    pub(crate) version: Option<String>,
}

impl Remote {
    pub(crate) fn new(http: Http, endpoint: Url, token: Option<String>) -> Self {
        Self { http, endpoint, token, session: None, version: None }
    }

    /// A request with the token, and with no session yet.
    pub(crate) fn plain(&self, method: Method) -> RequestBuilder {
        let request = self.http.request(method, &self.endpoint);
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// A POST of a message, as clients send it.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        let mut request = message_headers(self.plain(Method::POST));
        if let Some(session) = &self.session {
            request = request.header(SESSION, session);
        }
        if let Some(version) = &self.version {
            request = request.header(VERSION, version);
        }
        request.body(message.to_string())
    }

    pub(crate) async fn send(&self, message: &Value) -> Result<Answer, Failure> {
        self.http.send(self.post(message), Read::Message).await
    }

    /// A message of 2026-07-28, with its headers.
    pub(crate) fn modern(&self, message: &Value) -> RequestBuilder {
        let mut request = message_headers(self.plain(Method::POST)).header(VERSION, MODERN);
        if let Some(method) = message["method"].as_str() {
            request = request.header("mcp-method", method);
        }
        if let Some(name) = message["params"]["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        request.body(message.to_string())
    }

    /// Keeps the session and the version of an answer to `initialize`.
    pub(crate) fn begin(&mut self, answer: &Answer) {
        self.session = answer.header(SESSION).map(str::to_owned);
        let message = answer.message().unwrap_or_default();
        self.version = message["result"]["protocolVersion"].as_str().map(str::to_owned);
    }
}

/// Adds the headers of every message.
pub(crate) fn message_headers(request: RequestBuilder) -> RequestBuilder {
    request
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
}

/// A request of JSON-RPC.
pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

/// The first message of a client of 2025.
pub(crate) fn initialize(version: &str, capabilities: &Value) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": capabilities,
        "clientInfo": { "name": "cargo-toolgate", "version": env!("CARGO_PKG_VERSION") },
    });
    request(1, "initialize", params)
}

/// The message of a client of 2025 after `initialize`.
pub(crate) fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// A request of 2026-07-28, which has in it what `initialize` had.
pub(crate) fn modern_request(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo":
            { "name": "cargo-toolgate", "version": env!("CARGO_PKG_VERSION") },
    });
    request(id, method, params)
}
