//! A panic ends one request, in words, on every way that a request goes.

use std::{net::SocketAddr, time::Duration};

use integration::{
    client::{Era, connect, params, text},
    host::serve,
    log::Log,
    tools::{add, panics},
    wire::{Answer, Way, Wire, request},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse,
        ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::time::timeout;
use toolgate::{Server, prelude::*};
use tracing::Level;

/// Panics, and could speak.
#[tool]
async fn panics_aloud(context: Context, secret: String) -> String {
    assert!(secret.is_empty(), "as was ordered");
    drop(context);
    secret
}

/// A value whose decoder panics.
#[derive(JsonSchema)]
struct Touchy(String);

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| panic!("it cannot take {}", text.len()))
    }
}

/// Takes what cannot be decoded.
#[tool]
async fn touch(touchy: Touchy) -> String {
    touchy.0
}

/// Takes what cannot be decoded, and could speak.
#[tool]
async fn touch_aloud(context: Context, touchy: Touchy) -> String {
    drop(context);
    touchy.0
}

/// A handler of the user's own.
struct ErasedHandler;

impl ServerHandler for ErasedHandler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_prompts().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        panic!("{} is broken", request.name)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        panic!("{} is broken", request.name)
    }
}

fn server() -> Server {
    Server::new("panicking", "1").tools(tools![add, panics, panics_aloud, touch, touch_aloud])
}

fn address_of(mcp: &str) -> SocketAddr {
    mcp.trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap()
}

async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), event).await.expect("it is answered")
}

async fn ask(wire: &mut Wire, tool: &str, arguments: Value, way: Way) -> Answer {
    wire.send(&request(tool, &arguments, way)).await;
    soon(wire.answer()).await
}

#[tokio::test]
async fn a_tool_that_panics_is_an_error_and_a_line_in_the_log() {
    for way in Way::ALL {
        let mcp = serve(server()).await;
        let mut wire = Wire::connect(address_of(&mcp)).await;
        let (log, listening) = Log::listen(Level::INFO);
        let failed = ask(&mut wire, &way.tool("panics"), json!({ "secret": "hunter2" }), way).await;
        drop(listening);
        assert_eq!(failed.status, 200, "{way:?}: {failed:?}");
        let failed: Value = serde_json::from_str(&failed.body).unwrap();
        assert_eq!(failed["result"]["isError"], true, "{way:?}: {failed}");
        assert!(!failed.to_string().contains("hunter2"), "{way:?}: {failed}");
        let errors = log.lines("ERROR");
        let said = errors.iter().find(|line| line.contains("panicked: as was ordered"));
        assert!(said.is_some(), "{way:?}: {errors:?}");
        assert!(!errors.concat().contains("hunter2"), "{way:?}: {errors:?}");

        let added = ask(&mut wire, "add", json!({ "a": 2, "b": 3 }), way).await;
        assert!(added.body.contains('5'), "the same connection goes on: {added:?}");
    }
}

#[tokio::test]
async fn a_decoder_that_panics_is_an_error_and_a_line_in_the_log() {
    for way in Way::ALL {
        let mcp = serve(server()).await;
        let mut wire = Wire::connect(address_of(&mcp)).await;
        let (log, listening) = Log::listen(Level::INFO);
        let failed = ask(&mut wire, &way.tool("touch"), json!({ "touchy": "no" }), way).await;
        drop(listening);
        let failed: Value = serde_json::from_str(&failed.body).unwrap();
        assert_eq!(failed["id"], 1, "{way:?}: {failed}");
        assert_eq!(failed["error"]["code"], -32603, "{way:?}: {failed}");
        let errors = log.lines("ERROR");
        let said = errors.iter().any(|line| line.contains("it cannot take 2"));
        assert!(said, "{way:?}: {errors:?}");

        let added = ask(&mut wire, "add", json!({ "a": 2, "b": 3 }), way).await;
        assert!(added.body.contains('5'), "the same connection goes on: {added:?}");
    }
}

#[tokio::test]
async fn a_session_goes_on_after_a_panic() {
    for era in [Era::Modern, Era::Legacy] {
        let mcp = serve(server()).await;
        let client = connect(&mcp, era, ()).await;
        let panicking = client.call_tool(params("panics", json!({ "secret": "s" })));
        assert_eq!(soon(panicking).await.unwrap().is_error, Some(true), "{era:?}");
        let decoding = soon(client.call_tool(params("touch", json!({ "touchy": "no" })))).await;
        assert!(decoding.unwrap_err().to_string().contains("its log says why"), "{era:?}");
        let added = soon(client.call_tool(params("add", json!({ "a": 2, "b": 3 })))).await;
        assert_eq!(text(&added.unwrap()), "5", "{era:?}");
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn a_handler_beside_the_tools_that_panics_leaves_nobody_waiting() {
    for era in [Era::Modern, Era::Legacy] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mcp = format!("http://{}/mcp", listener.local_addr().unwrap());
        let app = server().fallback(ErasedHandler).build().await.unwrap();
        integration::host::serve_at(listener, app.into_router());
        let client = connect(&mcp, era, ()).await;
        let called = soon(client.call_tool(params("theirs", json!({})))).await;
        assert!(called.unwrap_err().to_string().contains("its log says why"), "{era:?}");
        let prompted = soon(client.get_prompt(GetPromptRequestParams::new("theirs"))).await;
        assert!(prompted.unwrap_err().to_string().contains("its log says why"), "{era:?}");
        let added = soon(client.call_tool(params("add", json!({ "a": 2, "b": 3 })))).await;
        assert_eq!(text(&added.unwrap()), "5", "{era:?}");
        client.cancel().await.unwrap();
    }
}
