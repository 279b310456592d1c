//! Client of a server under test, without a socket.

use std::sync::Arc;

use axum::{Router, body::Body};
use http::{Request, header};
use rmcp::ServerHandler;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tower::ServiceExt;

use super::{
    Answer, Person, RESOURCE, Token,
    addresses::{host, peer},
};
use crate::{error::ConfigError, server::Server};

/// A client that calls a server in this process, as a host of MCP 2026-07-28 does.
#[derive(Clone, Debug)]
pub struct Client {
    router: Router,
    token: Option<String>,
    capabilities: Value,
    /// Its identifier at the server's broker, after the first sign-in.
    pub(super) registered: Arc<OnceCell<String>>,
}

impl Client {
    /// Creates a client of `server`, without a token. To a server without a gate it is the local user.
    /// Unless the server has a store, grants are kept in memory.
    ///
    /// # Errors
    ///
    /// The configuration of the server is not valid.
    pub async fn of<H: ServerHandler>(server: Server<H>) -> Result<Self, ConfigError> {
        let server = server.for_test(RESOURCE.trim_end_matches("/mcp"));
        let router = server.build().await?.into_router();
        let registered = Arc::default();
        Ok(Self { router, token: None, capabilities: json!({}), registered })
    }

    /// Returns the same client with a token.
    #[must_use]
    pub fn with(&self, token: Token) -> Self {
        Self { token: Some(token.to_string()), ..self.clone() }
    }

    /// Returns the same client with any text as its token, to test that it is refused.
    #[must_use]
    pub fn with_text(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Returns its access token, for example to send it over a socket.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns the same client with these capabilities of MCP, for example `elicitation.url`: it opens
    /// links for its user.
    #[must_use]
    pub fn capable_of(&self, capabilities: Value) -> Self {
        Self { capabilities, ..self.clone() }
    }

    /// Creates a user with a browser, who opens links of this server.
    pub fn person(&self, name: impl Into<String>) -> Person {
        Person::new(name.into(), self.router.clone())
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({ "name": tool, "arguments": arguments });
        self.ask("tools/call", params, Some(tool)).await
    }

    /// Returns the names of the tools that are listed to this caller.
    pub async fn tools(&self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({}), None).await;
        let tools = answer.body()["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    /// Reads a resource, for example a widget's page.
    pub async fn read(&self, uri: &str) -> Answer {
        self.ask("resources/read", json!({ "uri": uri }), Some(uri)).await
    }

    /// Sends an MCP request with any method.
    pub async fn request(&self, method: &str, params: Value) -> Answer {
        self.ask(method, params, None).await
    }

    async fn ask(&self, method: &str, mut params: Value, name: Option<&str>) -> Answer {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        });
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut request = Request::post("/mcp")
            .header(header::HOST, host())
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::CONTENT_TYPE, "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header(header::CONTENT_LENGTH, body.len())
            .header("mcp-method", method);
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        match request.extension(peer()).body(Body::from(body)) {
            Ok(request) => self.answer(request).await,
            Err(error) => Answer::faulty(&error),
        }
    }

    /// Sends an HTTP request.
    pub(super) async fn answer(&self, request: Request<Body>) -> Answer {
        match self.router.clone().oneshot(request).await {
            Ok(response) => Answer::read(response).await,
            Err(never) => match never {},
        }
    }
}
