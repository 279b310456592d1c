//! One server twice: one takes the fast path where it can, the other answers everything by rmcp.

use std::{collections::BTreeSet, fmt};

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode, Tool},
    service::RequestContext,
};
use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    server::{NoFallback, ToolgateService},
    testing::{Issuer, RESOURCE},
    tools,
};
use tower::ServiceExt;

/// What the callers of the test may do.
#[catalogue]
pub enum Desk {
    /// Look.
    #[scope("desk:read", access = read)]
    Read,
    /// Write.
    #[scope("desk:write", access = write, implies(Read))]
    Write,
}

/// Adds two numbers.
#[tool]
async fn add(a: i64, #[arg(default = 1, range(..=1000))] b: i64) -> Json<i64> {
    Json(a.wrapping_add(b))
}

/// Says it again.
#[tool(scopes = "desk:read")]
async fn echo(
    caller: Caller<Desk>,
    text: String,
    rest: Option<Vec<serde_json::Map<String, Value>>>,
) -> String {
    format!("{}: {text} {rest:?}", caller.subject())
}

/// Fails with the message of its argument.
#[tool(scopes = "desk:write")]
async fn fail(_caller: Caller<Desk>, why: String) -> Result<()> {
    match why.as_str() {
        "panic" => panic!("as it was told to"),
        "inside" => Err(std::io::Error::other("the text of the inside"))?,
        _ => Err(Error::new(why)),
    }
}

/// Says how far it is, to who wants to hear it.
#[tool]
async fn count(context: Context, to: u8) -> CallToolResult {
    for n in 0..to.min(3) {
        context.progress(n.into(), Some(3.0), "counting").await;
    }
    CallToolResult::success(Vec::new())
}

/// A request, as bytes on their way.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Names and values, in order; a value may be no text.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The message.
    pub body: Vec<u8>,
}

/// What came back: the status, the headers, and the body, as JSON where it is.
#[derive(Debug, PartialEq)]
pub struct Came {
    /// The status.
    pub status: StatusCode,
    headers: BTreeSet<(String, Vec<u8>)>,
    /// The body, if it is JSON.
    pub json: Option<Value>,
    text: String,
}

/// The two servers, and whose tokens they take.
pub struct TwoWays<H: ServerHandler = NoFallback> {
    short: ToolgateService<H>,
    long: ToolgateService<H>,
    issuer: Issuer,
}

/// A hand-written handler, whose tools send nothing before their result.
#[derive(Clone)]
pub struct ErasedHandler;

impl ServerHandler for ErasedHandler {
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let schema = match name {
            "say" | "add" => json!({ "type": "object" }),
            "marked" => json!({
                "type": "object",
                "properties": { "a": { "type": "string", "x-mcp-header": "A" } },
            }),
            _ => return None,
        };
        let Value::Object(schema) = schema else { return None };
        Some(Tool::new(name.to_owned(), "Says what it hears.", schema))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let text = |name: &str| {
            let text = request.arguments.as_ref()?.get(name)?.as_str()?;
            Some(text.to_owned())
        };
        match text("why").as_deref() {
            Some("panic") => panic!("as it was told to"),
            Some("method") => return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "no", None)),
            Some("header") => return Err(ErrorData::new(ErrorCode::HEADER_MISMATCH, "no", None)),
            Some("no") => return Err(ErrorData::invalid_params("no", Some(json!([1])))),
            _ => {}
        }
        let said = json!({
            "name": request.name,
            "arguments": request.arguments,
            "version": context.protocol_version(),
            "capabilities": context.client_capabilities(),
            "client": context.client_info(),
            "meta": context.meta,
            "headers": context.extensions.get::<http::request::Parts>().map(|parts| {
                parts.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>()
            }),
        });
        Ok(CallToolResult::structured(said).into())
    }
}

impl TwoWays<ErasedHandler> {
    /// Both, with a fallback handler.
    ///
    /// # Panics
    ///
    /// They cannot be built.
    pub async fn with_fallback() -> Self {
        let server =
            |server: toolgate::Server| server.fallback(ErasedHandler).fallback_is_silent(true);
        Self::with(|gate| gate, server).await
    }
}

impl TwoWays {
    /// Both.
    ///
    /// # Panics
    ///
    /// They cannot be built.
    pub async fn new() -> Self {
        Self::with(|gate| gate, |server| server).await
    }

    /// Both, with what `add` adds to them.
    ///
    /// # Panics
    ///
    /// They cannot be built.
    pub async fn serving(add: impl Fn(toolgate::Server) -> toolgate::Server) -> Self {
        Self::with(|gate| gate, add).await
    }

    /// Both, whose callers see only what they may call.
    ///
    /// # Panics
    ///
    /// They cannot be built.
    pub async fn hiding() -> Self {
        Self::with(|gate| gate.hide_unauthorized_tools(true), |server| server).await
    }
}

impl<H: ServerHandler> TwoWays<H> {
    async fn with(
        gate: impl Fn(Gate) -> Gate,
        mount: impl Fn(toolgate::Server) -> toolgate::Server<H>,
    ) -> Self {
        let issuer = Issuer::new();
        let front = async |short| {
            let gate = gate(Gate::new(issuer.verifier()).resource(RESOURCE).allow_anonymous(true));
            let server = toolgate::server!().gate(gate).tools(tools![add, echo, fail, count]);
            let app = mount(server.fast_path(short)).build().await.expect("the server is sound");
            app.into_service()
        };
        let (short, long) = (front(true).await, front(false).await);
        Self { short, long, issuer }
    }

    /// The server with the fast path, and the one that answers everything by rmcp.
    pub fn services(&self) -> [&ToolgateService<H>; 2] {
        [&self.short, &self.long]
    }

    /// A token of alice with these scopes.
    pub fn token(&self, scopes: &str) -> String {
        format!("Bearer {}", self.issuer.token("alice").scopes(scopes))
    }

    /// Sends it both ways; `None` if HTTP cannot carry it.
    ///
    /// # Panics
    ///
    /// The two answers differ.
    pub async fn send(&self, sent: &Sent) -> Option<Came> {
        let short = came(&self.short, sent).await?;
        let long = came(&self.long, sent).await?;
        assert_eq!(short, long, "left: the fast path, right: rmcp; {sent}");
        Some(short)
    }
}

impl Sent {
    /// A call of `tool` about which nothing is unusual.
    pub fn call(tool: &str, arguments: &str, token: &str) -> Self {
        let params = format!(r#""name":"{tool}","arguments":{arguments},"#);
        Self::request("tools/call", &params, token).header("mcp-name", tool)
    }

    /// A request for the list of tools about which nothing is unusual.
    pub fn list(token: &str) -> Self {
        Self::request("tools/list", "", token)
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.as_bytes().to_vec()));
        self
    }

    fn request(method: &str, params: &str, token: &str) -> Self {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let host = RESOURCE.split('/').nth(2).unwrap_or_default();
        let headers = [
            ("host", host),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("authorization", token),
        ];
        let headers = headers.map(|(name, value)| (name, value.as_bytes().to_vec())).into();
        Self { headers, body: body.into_bytes() }
    }
}

async fn came<H: ServerHandler>(front: &ToolgateService<H>, sent: &Sent) -> Option<Came> {
    let mut request = Request::post("/mcp").header(header::CONTENT_LENGTH, sent.body.len());
    for (name, value) in &sent.headers {
        request = request.header(*name, value.as_slice());
    }
    let request = request.body(Body::from(sent.body.clone())).ok()?;
    let Ok(response) = front.clone().oneshot(request).await;
    let status = response.status();
    let headers = sorted(response.headers());
    let body = response.into_body().collect().await.ok()?.to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    let json = serde_json::from_str(&text).ok();
    // JSON is compared as JSON, because texts may be escaped differently.
    let text = if json.is_some() { String::new() } else { text };
    Some(Came { status, headers, json, text })
}

fn sorted(headers: &HeaderMap) -> BTreeSet<(String, Vec<u8>)> {
    headers
        .iter()
        .filter(|(name, _)| *name != header::CONTENT_LENGTH)
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect()
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != "authorization") {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}
