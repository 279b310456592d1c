//! `securitySchemes` of the listed tools, where hosts look for them.
//!
//! rmcp's type of a tool has no such member, so it stands under `_meta` until the answer is
//! written, and here also beside it.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde_json::Value;

/// The answer to a `tools/list`, with the schemes lifted.
pub(super) async fn lift_schemes(response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(Collected::to_bytes) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let lifted = if text.starts_with('{') {
        lift(text)
    } else {
        // Events: of those with data, one holds the answer.
        let event = |line: &str| match line.strip_prefix("data: ").and_then(lift) {
            Some(data) => format!("data: {data}\n"),
            None => format!("{line}\n"),
        };
        Some(text.lines().map(event).collect())
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, lifted.map_or_else(|| Body::from(bytes.clone()), Body::from))
}

/// `None`: it is no list of tools.
fn lift(message: &str) -> Option<String> {
    let mut message: Value = serde_json::from_str(message).ok()?;
    for tool in message.pointer_mut("/result/tools")?.as_array_mut()? {
        if let Some(schemes) = tool.pointer("/_meta/securitySchemes").cloned() {
            tool["securitySchemes"] = schemes;
        }
    }
    Some(message.to_string())
}
