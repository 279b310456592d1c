//! Refusals of single messages, as the JSON-RPC responses that say so.

use rmcp::model::ErrorCode;
use serde_json::{Value, json};

use crate::{
    gate::gate_error::GateError,
    http::{
        message_authorization::{INVALID_CALL, MessageRefusal},
        rejection,
    },
};

/// The error response with this code and message.
pub(super) fn error(id: &Value, code: ErrorCode, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// The response to the message with this identifier. `meta` is what results have as `_meta`.
///
/// The challenge of a 401 or 403 is in the error's `data`, under the name that it has in results.
pub(super) fn response(refusal: MessageRefusal, id: &Value, meta: impl FnOnce() -> Value) -> Value {
    let invalid = |message: &str| error(id, ErrorCode::INVALID_REQUEST, message);
    match refusal {
        MessageRefusal::InvalidCall => error(id, ErrorCode::INVALID_PARAMS, INVALID_CALL),
        MessageRefusal::Gate(GateError::Forbidden(reason)) => invalid(reason),
        MessageRefusal::Gate(GateError::TooManyRequests { retry_after }) => {
            invalid(&rejection::too_many_requests(retry_after).1)
        }
        MessageRefusal::Gate(GateError::Unauthorized(refused, challenge)) => {
            let mut response = invalid(&refused.to_string());
            if refused.retry_after().is_none()
                && let Ok(challenge) = challenge.to_str()
            {
                response["error"]["data"] = json!({ "mcp/www_authenticate": [challenge] });
            }
            response
        }
        MessageRefusal::Gate(GateError::InResult { text, challenge }) => {
            rejection::in_result(&text, challenge, id, meta)
        }
    }
}
