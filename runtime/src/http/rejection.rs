//! Rejections: HTTP responses that refuse a request, with a JSON-RPC error as their body.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
#[cfg(feature = "websocket")]
use http::HeaderName;
use http::{HeaderValue, StatusCode, header};
use rmcp::model::ErrorCode;
use serde_json::{Value, json};

use super::message_authorization::INVALID_CALL;
use crate::{
    gate::{AuthError, gate_error::GateError},
    trace::RequestRefusal,
};

/// JSON-RPC's code for a session that does not exist, as MCP's SDKs send it.
const SESSION_NOT_FOUND: ErrorCode = ErrorCode(-32001);

/// How long a caller with too many sessions should wait before it tries again.
const SESSION_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Why a request is refused, as the response that says so.
// Boxed: the response is larger than what the steps of a request return otherwise.
#[derive(Debug)]
pub(crate) struct Rejection {
    response: Box<Response>,
    /// `None`: the gate has reported it.
    reason: Option<RequestRefusal>,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        *self.response
    }
}

impl From<Response> for Rejection {
    fn from(response: Response) -> Self {
        Self { response: Box::new(response), reason: None }
    }
}

impl Rejection {
    fn new(status: StatusCode, code: ErrorCode, message: &str) -> Self {
        Self::of_message(&Value::Null, status, code, message)
    }

    /// The rejection of the message with this identifier.
    fn of_message(id: &Value, status: StatusCode, code: ErrorCode, message: &str) -> Self {
        let error = json!({ "code": code, "message": message });
        let body = Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        Self::from((status, body).into_response())
    }

    fn because(mut self, reason: RequestRefusal) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(super) fn reason(&self) -> Option<RequestRefusal> {
        self.reason
    }

    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The seconds of `Retry-After`.
    pub(super) fn retry_after(&self) -> Option<u64> {
        self.response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    fn with_retry_after(mut self, seconds: u64) -> Self {
        self.response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    pub(crate) fn method_not_allowed() -> Self {
        let allow = [(header::ALLOW, "GET, HEAD, POST, DELETE")];
        Self::from((StatusCode::METHOD_NOT_ALLOWED, allow).into_response())
            .because(RequestRefusal::Method)
    }

    /// The method is another one than the endpoint of a transport takes.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn only_method(method: &'static str) -> Self {
        let allow = [(header::ALLOW, method)];
        Self::from((StatusCode::METHOD_NOT_ALLOWED, allow).into_response())
            .because(RequestRefusal::Method)
    }

    /// The client does not ask for what the endpoint is for; the header says what that is.
    #[cfg(feature = "websocket")]
    pub(crate) fn with_header(
        status: StatusCode,
        message: &str,
        (name, value): (HeaderName, &'static str),
    ) -> Self {
        let mut rejection = Self::new(status, ErrorCode::INVALID_REQUEST, message);
        rejection.response.headers_mut().insert(name, HeaderValue::from_static(value));
        rejection.because(RequestRefusal::Message)
    }

    /// The body is not announced as JSON.
    #[cfg(feature = "sse")]
    pub(crate) fn not_json() -> Self {
        let message = "`Content-Type` is not application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::INVALID_REQUEST, message)
            .because(RequestRefusal::Message)
    }

    /// The caller has too many connections.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn too_many_connections() -> Self {
        tracing::info!(target: "toolgate::gate", code = "connections", "a connection was refused");
        let message = "too many connections are open: close one, or try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::INVALID_REQUEST, message)
            .with_retry_after(SESSION_RETRY_AFTER.as_secs())
            .because(RequestRefusal::Sessions)
    }

    /// The client accepts neither kind of response.
    pub(crate) fn not_acceptable() -> Self {
        let message = "`Accept` names neither application/json nor text/event-stream";
        Self::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::INVALID_REQUEST, message)
            .because(RequestRefusal::NotAcceptable)
    }

    /// The request comes from a peer, host or page that may not send any.
    pub(crate) fn forbidden(reason: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::INVALID_REQUEST, reason)
            .because(RequestRefusal::Origin)
    }

    /// The server cannot tell who sends the request.
    pub(crate) fn unknown_peer(reason: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::INVALID_REQUEST, reason)
    }

    pub(crate) fn body_interrupted() -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::PARSE_ERROR, "the message broke off")
            .because(RequestRefusal::BodyBroken)
    }

    pub(crate) fn body_timeout() -> Self {
        let message = "the message took too long";
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::INVALID_REQUEST, message)
            .because(RequestRefusal::BodyBroken)
    }

    pub(crate) fn body_too_large(limit: usize) -> Self {
        let message = format!("a message has at most {} MiB", limit >> 20);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::INVALID_REQUEST, &message)
            .because(RequestRefusal::BodyTooLarge)
    }

    /// The body is not a JSON-RPC message.
    pub(crate) fn invalid_message((code, message): (i32, &str)) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode(code), message)
            .because(RequestRefusal::Message)
    }

    /// The parameters of a `tools/call` have the wrong shape. The status is that of every error
    /// that answers a well-formed request.
    pub(crate) fn invalid_call(id: &Value) -> Self {
        Self::of_message(id, StatusCode::OK, ErrorCode::INVALID_PARAMS, INVALID_CALL)
            .because(RequestRefusal::Message)
    }

    pub(crate) fn internal_error(id: &Value, message: &str) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::of_message(id, status, ErrorCode::INTERNAL_ERROR, message)
    }

    /// There is no such session, or it belongs to another caller: which of the two is not disclosed.
    pub(crate) fn session_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, SESSION_NOT_FOUND, "there is no such session")
            .because(RequestRefusal::Session)
    }

    pub(crate) fn too_many_sessions() -> Self {
        tracing::info!(target: "toolgate::gate", code = "sessions", "a session was refused");
        let message = "too many sessions are in use: end one, or try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::INVALID_REQUEST, message)
            .with_retry_after(SESSION_RETRY_AFTER.as_secs())
            .because(RequestRefusal::Sessions)
    }

    /// An anonymous caller has too many streams, or all of them together.
    pub(crate) fn too_many_streams() -> Self {
        tracing::info!(target: "toolgate::gate", code = "streams", "a stream was refused");
        let message = "too many streams are open: close one, or sign in";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::INVALID_REQUEST, message)
            .with_retry_after(SESSION_RETRY_AFTER.as_secs())
            .because(RequestRefusal::Streams)
    }

    fn too_many_requests(retry_after: Duration) -> Self {
        tracing::info!(target: "toolgate::gate", code = "too_much", "a request was refused");
        let (seconds, message) = too_many_requests(retry_after);
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::INVALID_REQUEST, &message)
            .with_retry_after(seconds)
            .because(RequestRefusal::RateLimit)
    }

    fn unauthorized(id: &Value, error: &AuthError, challenge: HeaderValue) -> Self {
        let (status, message) = (error.status(), error.to_string());
        let mut rejection = Self::of_message(id, status, ErrorCode::INVALID_REQUEST, &message);
        let headers = rejection.response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let AuthError::Nonce { nonce } = error
            && let Ok(nonce) = HeaderValue::try_from(nonce)
        {
            headers.insert("dpop-nonce", nonce);
        }
        if let Some(retry_after) = error.retry_after() {
            return rejection.with_retry_after(retry_after.as_secs().max(1));
        }
        headers.insert(header::WWW_AUTHENTICATE, challenge);
        rejection
    }

    /// What the gate refuses, for the message with this identifier. `meta` is what results have as
    /// `_meta`.
    pub(crate) fn from_gate(
        error: GateError,
        id: impl FnOnce() -> Value,
        meta: impl FnOnce() -> Value,
    ) -> Self {
        match error {
            GateError::Forbidden(reason) => Self::forbidden(reason),
            GateError::Unauthorized(error, challenge) => {
                Self::unauthorized(&id(), &error, challenge)
            }
            GateError::TooManyRequests { retry_after } => Self::too_many_requests(retry_after),
            GateError::InResult { text, challenge } => {
                Self::from(Json(in_result(&text, challenge, &id(), meta)).into_response())
            }
        }
    }
}

/// After how many seconds to try again, and the message that says so.
pub(super) fn too_many_requests(retry_after: Duration) -> (u64, String) {
    let fraction = u64::from(retry_after.subsec_nanos() > 0);
    let seconds = (retry_after.as_secs() + fraction).max(1);
    (seconds, format!("too many requests: try again in {seconds} s"))
}

/// The response to the call with this identifier whose result is a refusal.
pub(super) fn in_result(
    text: &str,
    challenge: Option<String>,
    id: &Value,
    meta: impl FnOnce() -> Value,
) -> Value {
    let mut meta = meta();
    if let Some(challenge) = challenge {
        meta["mcp/www_authenticate"] = json!([challenge]);
    }
    let result = json!({
        "resultType": "complete",
        "content": [{ "type": "text", "text": text }],
        "isError": true,
        "_meta": meta,
    });
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

impl From<GateError> for Rejection {
    fn from(error: GateError) -> Self {
        Self::from_gate(error, || Value::Null, || json!({}))
    }
}
