//! Clients: rmcp's own, in both eras, with a person behind it or without, and plain HTTP.

use std::sync::{Arc, Mutex};

use forge::person::Person;
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
        ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationCapability,
        Implementation, ProtocolVersion, UrlElicitationCapability,
    },
    service::{RequestContext, RunningService},
    transport::StreamableHttpClientTransport,
};
use serde_json::{Value, json};

/// Which revision of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28.
    Modern,
    /// 2025-11-25.
    Legacy,
}

/// What the person behind a client does when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Opens the link and approves.
    Approves,
    /// Opens the link and denies.
    Denies,
    /// Does not open it.
    Declines,
}

/// A client with a person behind it, who opens the links that are elicited.
#[derive(Clone)]
pub struct Desk {
    person: Person,
    mood: Mood,
    opened: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    /// A person at a client.
    pub fn new(name: &str, mood: Mood) -> Self {
        Self { person: Person::new(name), mood, opened: Arc::default() }
    }

    /// The links that were opened.
    ///
    /// # Panics
    ///
    /// If another thread panicked.
    pub fn opened(&self) -> Vec<String> {
        self.opened.lock().expect("nobody panicked").clone()
    }
}

impl ClientHandler for Desk {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        let mut elicitation = ElicitationCapability::default();
        elicitation.url = Some(UrlElicitationCapability::default());
        capabilities.elicitation = Some(elicitation);
        ClientConfig::new(capabilities, Implementation::new("desk", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, rmcp::ErrorData> {
        let ElicitRequestParams::UrlElicitationParams { url, .. } = request else {
            return Ok(ElicitResult::new(ElicitationAction::Cancel));
        };
        self.opened.lock().expect("nobody panicked").push(url.clone());
        // The client only says that the link was opened: what the person does there takes its time.
        let person = self.person.clone();
        match self.mood {
            Mood::Approves => {
                drop(tokio::spawn(async move { person.approve(&url).await }));
            }
            Mood::Denies => {
                drop(tokio::spawn(async move { person.deny(&url).await }));
            }
            Mood::Declines => return Ok(ElicitResult::new(ElicitationAction::Decline)),
        }
        Ok(ElicitResult::new(ElicitationAction::Accept))
    }
}

/// rmcp's client over HTTP.
pub type Connected<H> = RunningService<RoleClient, H>;

/// Connects rmcp's client.
///
/// # Panics
///
/// It cannot connect.
pub async fn connect<H: ClientHandler>(url: &str, era: Era, handler: H) -> Connected<H> {
    let transport = StreamableHttpClientTransport::from_uri(url);
    let lifecycle = match era {
        Era::Modern => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
        Era::Legacy => ClientLifecycleMode::Initialize,
    };
    handler.serve_with_lifecycle(transport, lifecycle).await.expect("the client connects")
}

/// The parameters of a call.
///
/// # Panics
///
/// `arguments` is no object.
pub fn params(name: &'static str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    CallToolRequestParams::new(name).with_arguments(arguments)
}

/// The text of a result.
pub fn text(result: &CallToolResult) -> String {
    let texts = result.content.iter().filter_map(|content| content.as_text());
    texts.map(|text| text.text.clone()).collect::<Vec<_>>().join("\n")
}

/// The message of a call in the modern era, by a client that declares nothing.
pub fn call_message(tool: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }})
}

/// A request in the modern era with the message of a call.
pub fn message_request(mcp: &str, message: &Value) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(mcp)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", message["params"]["name"].as_str().unwrap_or_default())
        .json(message)
}

/// A call over plain HTTP, in the modern era, by a client that declares nothing.
///
/// # Panics
///
/// The answer breaks off.
pub async fn post_call(mcp: &str, name: &str, arguments: &str) -> Value {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    let response = reqwest::Client::new()
        .post(mcp)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", name)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .expect("the server answers");
    let text = response.text().await.expect("the answer is whole");
    // One that took long is the last event of a stream.
    let message = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
    let message = serde_json::from_str(message.unwrap_or(&text));
    message.unwrap_or_else(|error| json!({ "unreadable": error.to_string() }))
}

/// The text of the result of [`post_call`].
pub fn text_of(answer: &Value) -> String {
    let blocks = answer["result"]["content"].as_array().cloned().unwrap_or_default();
    blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// The link in a text.
///
/// # Panics
///
/// There is none.
pub fn link_in(text: &str) -> String {
    let start = text.find("http://127.0.0.1").unwrap_or_else(|| panic!("no link in: {text}"));
    text[start..].split_whitespace().next().unwrap_or_default().to_owned()
}
