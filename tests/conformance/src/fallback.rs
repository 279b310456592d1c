//! The hand-written handler to which calls fall back.
#![allow(deprecated, reason = "clients of 2025 set a level for their log")]

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities,
        CompleteRequestParams, CompleteResult, ContentBlock, GetPromptRequestParams,
        GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::{input::Input, prompts, resources, tools::wire};

pub(crate) type Answer<T> = Result<T, ErrorData>;
pub(crate) type Cx = RequestContext<RoleServer>;

/// What can change while the server runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Tools,
    Prompts,
}

/// Notifies subscribers of changes.
#[derive(Clone, Debug)]
pub(crate) struct Changes(broadcast::Sender<Change>);

impl Changes {
    pub(crate) fn announce(&self, change: Change) {
        // There are no subscribers.
        let _ = self.0.send(change);
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(16))
    }
}

/// Prompts, resources, completion, subscriptions, and the tools that want input.
#[derive(Default)]
pub(crate) struct ErasedHandler {
    pub(crate) changes: Changes,
    input: Input,
}

/// A value that this program wrote itself.
pub(crate) fn ours<T: serde::de::DeserializeOwned>(value: Value) -> Answer<T> {
    wire(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// The tools that stand here, as they are listed.
fn listed() -> Value {
    let plain = |name: &str| {
        json!({
            "name": name,
            "description": "Answers when it has what it asks for.",
            "inputSchema": { "type": "object", "properties": {} },
        })
    };
    let mut tools: Vec<Value> = Input::TOOLS.iter().copied().map(plain).collect();
    tools.extend(["test_missing_capability", "test_streaming_elicitation"].map(plain));
    tools.push(json!({
        "name": "json_schema_2020_12_tool",
        "description": "Has a schema with words of JSON Schema 2020-12.",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {
                "address": {
                    "$anchor": "addressDef",
                    "type": "object",
                    "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
                },
            },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": { "type": "string" },
                "email": { "type": "string" },
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false,
        },
    }));
    tools.push(json!({
        "name": "test_custom_header",
        "description": "Takes a value that a header repeats.",
        "inputSchema": {
            "type": "object",
            "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        },
    }));
    Value::Array(tools)
}

impl ServerHandler for ErasedHandler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .build();
        ServerConfig::new(capabilities)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools: Vec<Tool> = ours(listed()).ok()?;
        tools.into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Answer<ListToolsResult> {
        Ok(ListToolsResult::with_all_items(ours(listed())?))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Cx,
    ) -> Answer<CallToolResponse> {
        let capabilities = context.client_capabilities().unwrap_or_default();
        match request.name.as_ref() {
            "test_missing_capability" if capabilities.sampling.is_none() => {
                let needed: ClientCapabilities = ours(json!({ "sampling": {} }))?;
                Err(ErrorData::missing_required_client_capability(needed))
            }
            "test_missing_capability" | "json_schema_2020_12_tool" | "test_custom_header" => {
                Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
            }
            "test_streaming_elicitation" => self.input.streaming(&request),
            name if Input::TOOLS.contains(&name) => self.input.call(&request, &capabilities),
            name => Err(ErrorData::invalid_params(format!("unknown tool `{name}`"), None)),
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Answer<ListPromptsResult> {
        Ok(ListPromptsResult::with_all_items(ours(prompts::listed())?))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Cx,
    ) -> Answer<GetPromptResponse> {
        if request.name == Input::PROMPT {
            return Input::prompt(&request);
        }
        Ok(prompts::get(&request)?.into())
    }

    async fn complete(&self, _: CompleteRequestParams, _: Cx) -> Answer<CompleteResult> {
        Ok(CompleteResult::new(ours(json!({ "values": ["paris", "park", "party"], "total": 3 }))?))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Answer<ListResourcesResult> {
        Ok(ListResourcesResult::with_all_items(ours(resources::listed())?))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Answer<ListResourceTemplatesResult> {
        Ok(ListResourceTemplatesResult::with_all_items(ours(resources::templates())?))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Cx,
    ) -> Answer<ReadResourceResponse> {
        Ok(resources::read(&request.uri)?.into())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Cx) -> Answer<()> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Cx) -> Answer<()> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Cx) -> Answer<()> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Answer<()> {
        let mut changes = self.changes.0.subscribe();
        let accepted = context.accepted().clone();
        let sink = context.sink().clone();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            let told = match change {
                Ok(Change::Tools) if accepted.tools_list_changed == Some(true) => {
                    sink.notify_tool_list_changed().await
                }
                Ok(Change::Prompts) if accepted.prompts_list_changed == Some(true) => {
                    sink.notify_prompt_list_changed().await
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => Ok(()),
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            };
            if told.is_err() {
                return Ok(());
            }
        }
    }
}
