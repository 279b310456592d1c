//! `securitySchemes` of listed tools, as members of the tool.
//!
//! rmcp's type of a tool has no such member, so the schemes are under `_meta` until the response is
//! written. Hosts read either place.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde_json::Value;

/// Copies the schemes in the response to a `tools/list` from `_meta` to the tools.
pub(crate) async fn lift(response: Response) -> Response {
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
        lift_in_message(text)
    } else {
        // A stream of events, one of which has the response as its data.
        let event = |line: &str| match line.strip_prefix("data: ").and_then(lift_in_message) {
            Some(data) => format!("data: {data}\n"),
            None => format!("{line}\n"),
        };
        Some(text.lines().map(event).collect())
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, lifted.map_or_else(|| Body::from(bytes.clone()), Body::from))
}

/// The message with the schemes copied; `None` if it lists no tools.
pub(super) fn lift_in_message(message: &str) -> Option<String> {
    let mut message: Value = serde_json::from_str(message).ok()?;
    for tool in message.pointer_mut("/result/tools")?.as_array_mut()? {
        if let Some(schemes) = tool.pointer("/_meta/securitySchemes").cloned() {
            tool["securitySchemes"] = schemes;
        }
    }
    Some(message.to_string())
}
