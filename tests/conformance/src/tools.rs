//! Tools of toolgate's, with the names and texts that the suite asks for.
#![allow(deprecated, reason = "sampling and logging are asked for in the era of 2025")]

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use rmcp::model::{
    CallToolResult, ContentBlock, CreateMessageRequestParams, ElicitRequestParams, LoggingLevel,
    LoggingMessageNotificationParam, ResourceContents,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use toolgate::prelude::*;

use crate::fallback::{Change, Changes};

/// A red pixel.
pub(crate) const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound at all, eight bits wide.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Answers with a text.
#[tool]
pub(crate) async fn test_simple_text() -> &'static str {
    "This is a simple text response for testing."
}

/// Answers with an image.
#[tool]
pub(crate) async fn test_image_content() -> Result<Image> {
    Ok(Image { bytes: BASE64_STANDARD.decode(PNG)?, media_type: "image/png".into() })
}

/// Answers with a sound.
#[tool]
pub(crate) async fn test_audio_content() -> ContentBlock {
    ContentBlock::audio(WAV, "audio/wav")
}

/// Answers with a resource.
#[tool]
pub(crate) async fn test_embedded_resource() -> ContentBlock {
    let text = "This is an embedded resource content.";
    let resource = ResourceContents::text(text, "test://embedded-resource");
    ContentBlock::resource(resource.with_mime_type("text/plain"))
}

/// Answers with a text, an image and a resource.
#[tool]
pub(crate) async fn test_multiple_content_types() -> Vec<ContentBlock> {
    let data = json!({ "test": "data", "value": 123 }).to_string();
    let resource = ResourceContents::text(data, "test://mixed-content-resource");
    vec![
        ContentBlock::text("Multiple content types test:"),
        ContentBlock::image(PNG, "image/png"),
        ContentBlock::resource(resource.with_mime_type("application/json")),
    ]
}

/// Fails.
#[tool]
pub(crate) async fn test_error_handling() -> Result<()> {
    Err(Error::new("This tool intentionally returns an error for testing"))
}

/// Says how far it is.
#[tool]
pub(crate) async fn test_tool_with_progress(context: Context) -> &'static str {
    for done in [0.0, 50.0, 100.0] {
        context.progress(done, Some(100.0), "").await;
        pause().await;
    }
    "all of it is done"
}

/// Writes to the client's log, thrice.
#[tool]
pub(crate) async fn test_tool_with_logging(context: Context) -> &'static str {
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        log(&context, line).await;
        pause().await;
    }
    "it is in the log"
}

/// Writes to the client's log, if the request asks for a log.
#[tool]
pub(crate) async fn test_logging_tool(context: Context) -> &'static str {
    let asked = context.request().is_some_and(|request| request.meta.log_level().is_some());
    if asked {
        log(&context, "as the request asked").await;
    }
    "done"
}

/// Lets the client's model answer.
#[tool]
pub(crate) async fn test_sampling(context: Context, prompt: String) -> Result<String> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    let params: CreateMessageRequestParams =
        wire(json!({ "messages": [message], "maxTokens": 100 }))?;
    let Some(request) = context.request() else { return Err(Error::new("no client")) };
    let answer = request.peer.create_message(params).await?;
    Ok(format!("LLM response: {}", serde_json::to_value(answer.message.content)?))
}

/// Asks the user for a name and an address.
#[tool]
pub(crate) async fn test_elicitation(context: Context, message: String) -> Result<CallToolResult> {
    let properties = json!({
        "username": { "type": "string", "description": "User's response" },
        "email": { "type": "string", "description": "User's email address" },
    });
    ask(&context, &message, &properties, &["username", "email"]).await
}

/// Asks the user, and proposes answers.
#[tool]
pub(crate) async fn test_elicitation_sep1034_defaults(context: Context) -> Result<CallToolResult> {
    let properties = json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": { "type": "boolean", "default": true },
    });
    ask(&context, "Check what we know of you", &properties, &[]).await
}

/// Asks the user to choose.
#[tool]
pub(crate) async fn test_elicitation_sep1330_enums(context: Context) -> Result<CallToolResult> {
    let values = |noun: &str| {
        json!([
            { "const": "value1", "title": format!("First {noun}") },
            { "const": "value2", "title": format!("Second {noun}") },
            { "const": "value3", "title": format!("Third {noun}") },
        ])
    };
    let options = json!(["option1", "option2", "option3"]);
    let properties = json!({
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": values("Option") },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": { "type": "array", "items": { "anyOf": values("Choice") } },
    });
    ask(&context, "Choose", &properties, &[]).await
}

/// Says that the list of tools has changed.
#[tool]
pub(crate) async fn test_trigger_tool_change(changes: State<Changes>) -> &'static str {
    changes.announce(Change::Tools);
    "announced"
}

/// Says that the list of prompts has changed.
#[tool]
pub(crate) async fn test_trigger_prompt_change(changes: State<Changes>) -> &'static str {
    changes.announce(Change::Prompts);
    "announced"
}

/// A value of the protocol, as it stands on the wire.
pub(crate) fn wire<T: DeserializeOwned>(value: Value) -> serde_json::Result<T> {
    serde_json::from_value(value)
}

async fn ask(
    context: &Context,
    message: &str,
    properties: &Value,
    required: &[&str],
) -> Result<CallToolResult> {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let params: ElicitRequestParams =
        wire(json!({ "mode": "form", "message": message, "requestedSchema": schema }))?;
    let Some(request) = context.request() else { return Err(Error::new("no client")) };
    let answer = request.peer.create_elicitation(params).await?;
    let filled = serde_json::to_value(answer.content)?;
    let text = format!("Elicitation completed: action={:?}, content={filled}", answer.action);
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

async fn log(context: &Context, line: &str) {
    if let Some(request) = context.request() {
        let entry = LoggingMessageNotificationParam::new(LoggingLevel::Info, line.into());
        // A client that does not listen must not fail the tool.
        let _ = request.peer.notify_logging_message(entry).await;
    }
}

/// The suite wants to see that messages arrive while the tool runs.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
