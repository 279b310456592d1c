//! One server behind its gate, and an authorized call of it, without a socket between them.

use std::hint::black_box;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use toolgate::{
    Server,
    gate::Gate,
    prelude::*,
    server::{NoFallback, ToolgateService},
    testing::{Issuer, RESOURCE},
    trace::{Event, Observer},
};
use tower::ServiceExt;

/// What callers may do.
#[catalogue]
pub enum Texts {
    /// Read texts.
    #[scope("text:read", access = read)]
    Read,
    /// Write texts.
    #[scope("text:write", access = write, implies(Read))]
    Write,
}

/// Returns a text.
#[tool(scopes = "text:read")]
pub async fn simple_text(_caller: Caller<Texts>) -> &'static str {
    "This is a simple text response for testing."
}

/// Repeats a text.
#[tool(scopes = "text:read")]
pub async fn repeat(
    _caller: Caller<Texts>,
    text: String,
    #[arg(default = 1, range(1..=100))] times: u8,
) -> String {
    text.repeat(times.into())
}

/// Reads events and does nothing with them: what remains is what it costs to make them.
struct Reader;

impl Observer for Reader {
    fn on_event(&self, event: &Event<'_>) {
        black_box(event);
    }
}

/// The server, and a token that its gate lets in.
pub struct Served {
    front: ToolgateService<NoFallback>,
    bearer: String,
}

impl Served {
    /// A server whose calls take the fast path, or all go through rmcp.
    ///
    /// # Panics
    ///
    /// It cannot be built.
    pub async fn new(short: bool) -> Self {
        Self::with(|server| server.fast_path(short)).await
    }

    /// A server whose calls take the fast path, and whose observer gets every event.
    ///
    /// # Panics
    ///
    /// It cannot be built.
    pub async fn observed() -> Self {
        Self::with(|server| server.fast_path(true).observe(Reader)).await
    }

    async fn with(configure: impl FnOnce(Server) -> Server) -> Self {
        let issuer = Issuer::new();
        let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
        let server = toolgate::server!().gate(gate).tools(tools![simple_text, repeat]);
        let app = configure(server).build().await.expect("the server is sound");
        // As long as those of real issuers are.
        let token = issuer.token("alice").scopes("text:read openid profile email");
        let token = token.claim("roles", "reader,".repeat(50));
        Self { front: app.into_service(), bearer: format!("Bearer {token}") }
    }

    /// A call, as a client of 2026-07-28 sends it.
    ///
    /// # Panics
    ///
    /// Never: the request is sound.
    pub fn request(&self, tool: &str, arguments: &str) -> Request<Body> {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"0"}}}}}}}}"#
        );
        Request::post("/mcp")
            .header("host", RESOURCE.split('/').nth(2).unwrap_or_default())
            .header("authorization", &self.bearer)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .body(Body::from(body))
            .expect("the request is sound")
    }

    /// Sends it, and reads the whole answer.
    ///
    /// # Panics
    ///
    /// The call is refused.
    pub async fn send(&self, request: Request<Body>) -> usize {
        let Ok(response): Result<Response<Body>, _> = self.front.clone().oneshot(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.expect("the answer is whole");
        body.to_bytes().len()
    }
}
