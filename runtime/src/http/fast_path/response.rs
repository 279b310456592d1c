//! JSON-RPC responses, written into one buffer.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rmcp::{ErrorData, model::ErrorCode};
use serde::Serialize;
use serde_json::value::RawValue;

/// The response to the request with this identifier. `member` is JSON text that is added to a result,
/// with a comma before it.
pub(super) fn response<T: Serialize + ?Sized>(
    id: &RawValue,
    outcome: Result<&T, &ErrorData>,
    member: &str,
) -> Response {
    write(id, outcome, member, status)
}

/// The response to a request in a session, whose status is that of every message.
pub(super) fn session_response<T: Serialize + ?Sized>(
    id: &RawValue,
    outcome: Result<&T, &ErrorData>,
) -> Response {
    write(id, outcome, "", |_| StatusCode::OK)
}

fn write<T: Serialize + ?Sized>(
    id: &RawValue,
    outcome: Result<&T, &ErrorData>,
    member: &str,
    status: fn(&ErrorData) -> StatusCode,
) -> Response {
    let mut json = Vec::with_capacity(208 + member.len());
    json.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    json.extend_from_slice(id.get().as_bytes());
    let (status, written) = match outcome {
        Ok(result) => {
            json.extend_from_slice(br#","result":"#);
            let written = serde_json::to_writer(&mut json, result);
            if !member.is_empty() && json.last() == Some(&b'}') {
                json.pop();
                json.extend_from_slice(member.as_bytes());
                json.push(b'}');
            }
            (StatusCode::OK, written)
        }
        Err(error) => {
            json.extend_from_slice(br#","error":"#);
            (status(error), serde_json::to_writer(&mut json, error))
        }
    };
    json.push(b'}');
    // It fails for a map whose keys are no strings, which no result of a tool is.
    let status = if written.is_ok() { status } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    // hyper adds one more header, and an empty map would allocate for eight.
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    response
}

/// The status of a protocol error, as rmcp sends it in 2026-07-28.
fn status(error: &ErrorData) -> StatusCode {
    match error.code {
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        | ErrorCode::HEADER_MISMATCH => StatusCode::BAD_REQUEST,
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}
