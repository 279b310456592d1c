//! One server behind its gate, and an authorized call of it, without a socket between them.

use std::hint::black_box;

use axum::body::Body;
use http::{Request, Response, StatusCode, request::Builder};
use http_body_util::BodyExt;
use toolgate::{
    Server,
    gate::Gate,
    prelude::*,
    server::{NoFallback, ToolgateService},
    telemetry::Metrics,
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

    /// A server whose calls take the fast path, and which counts them for Prometheus.
    ///
    /// # Panics
    ///
    /// It cannot be built.
    pub async fn metered() -> Self {
        Self::with(|server| server.fast_path(true).metrics(Metrics::new())).await
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
    pub fn request(&self, tool: &str, arguments: &str) -> Request<Body> {
        let params = format!(
            r#""name":"{tool}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"0"}}}}"#
        );
        let head = self.head("2026-07-28");
        complete(head.header("mcp-method", "tools/call").header("mcp-name", tool), CALL, &params)
    }

    /// A call in a session, as a client of 2025-11-25 sends it.
    pub fn request_in(&self, session: &str, tool: &str, arguments: &str) -> Request<Body> {
        let head = self.head(SESSION_ERA).header("mcp-session-id", session);
        complete(head, CALL, &format!(r#""name":"{tool}","arguments":{arguments}"#))
    }

    /// The request that begins a session.
    pub fn initialize(&self) -> Request<Body> {
        let params = format!(
            r#""protocolVersion":"{SESSION_ERA}","capabilities":{{"roots":{{"listChanged":true}},"sampling":{{}},"elicitation":{{}}}},"clientInfo":{{"name":"bench","version":"0"}}"#
        );
        complete(self.head(SESSION_ERA), "initialize", &params)
    }

    /// Begins a session, and returns its ID.
    ///
    /// # Panics
    ///
    /// The server refuses it.
    pub async fn begin_session(&self) -> String {
        let response = self.answer(self.initialize()).await;
        let id = response.headers().get("mcp-session-id").expect("a session");
        let id = id.to_str().expect("visible ASCII").to_owned();
        response.into_body().collect().await.expect("the answer is whole");
        id
    }

    /// Sends it, and reads the whole answer.
    ///
    /// # Panics
    ///
    /// The call is refused.
    pub async fn send(&self, request: Request<Body>) -> usize {
        let response = self.answer(request).await;
        let body = response.into_body().collect().await.expect("the answer is whole");
        body.to_bytes().len()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.front.clone().oneshot(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    fn head(&self, era: &str) -> Builder {
        Request::post("/mcp")
            .header("host", RESOURCE.split('/').nth(2).unwrap_or_default())
            .header("authorization", &self.bearer)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", era)
    }
}

const CALL: &str = "tools/call";
const SESSION_ERA: &str = "2025-11-25";

fn complete(head: Builder, method: &str, params: &str) -> Request<Body> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#);
    head.header("content-length", body.len()).body(Body::from(body)).expect("the request is sound")
}
