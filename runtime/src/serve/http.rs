//! MCP over streamable HTTP.
//!
//! As long as callers are not verified, everyone who reaches the server is the local person. So it
//! answers only to peers on this machine, under a local name, and to pages of this machine: a page
//! from elsewhere that resolves its own name to 127.0.0.1 gets nothing.
#![allow(clippy::result_large_err, reason = "the error is the answer, made once")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use serde_json::{json, value::RawValue};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{
    admission::{Admission, Admitted, SESSION_ID, principal},
    dispatch::LetIn,
    envelope::{Envelope, RawArguments},
    guard::guard,
    handler::Handler,
    listing::lift_schemes,
    panic,
    quick::Quick,
    sessions::{Full, Sessions},
};
use crate::gate;

const JSON: &[u8] = b"application/json";

/// The largest message, in bytes.
const LARGEST: usize = 4 << 20;

/// The most that a stranger may send, to read a widget's page.
const SMALL: usize = 8 << 10;

/// How long a client may take to send its message.
const SLOWEST: Duration = Duration::from_secs(30);

/// What stands at `/mcp`.
struct Endpoint<H: ServerHandler> {
    handler: Handler<H>,
    quick: Quick,
    sessions: Arc<Sessions>,
    mcp: StreamableHttpService<Handler<H>, Sessions>,
}

/// The turn of a call, beside its request: it ends when the call does, which an answer that is a
/// stream does not tell.
#[derive(Clone)]
struct Turn {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// The endpoint `/mcp`, and the pages of a consent.
pub(super) fn router<H: ServerHandler>(
    handler: &Handler<H>,
    pages: Router,
    ended: CancellationToken,
) -> Router {
    let mut config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(LARGEST)
        .with_cancellation_token(ended);
    // Looked at in `guard`, for all routes alike.
    config.allowed_hosts = Vec::new();
    let sessions = Sessions::new();
    let made = handler.clone();
    let endpoint = Endpoint {
        handler: handler.clone(),
        quick: Quick::new(),
        sessions: Arc::clone(&sessions),
        mcp: StreamableHttpService::new(move || Ok(made.clone()), sessions, config),
    };
    let admission = handler.dispatch.admission.clone();
    let mut endpoint = Router::new().route("/mcp", any(serve::<H>)).with_state(Arc::new(endpoint));
    if let Some(cors) = admission.as_ref().and_then(|admission| admission.cors()) {
        endpoint = endpoint.layer(cors);
    }
    let router = endpoint.merge(pages);
    match admission {
        Some(admission) => router.merge(well_known(admission)),
        None => local_only(router),
    }
}

/// The protected resource's metadata, at its own path and at the root (RFC 9728 §3.1).
fn well_known(admission: Arc<Admission>) -> Router {
    let metadata =
        async |State(admission): State<Arc<Admission>>, uri: Uri| admission.metadata(uri.path());
    Router::new()
        .route(gate::ROOT, get(metadata))
        .route(&format!("{}/{{*resource}}", gate::ROOT), get(metadata))
        .with_state(admission)
}

/// Refuses whoever is not at this machine.
pub(super) fn local_only(router: Router) -> Router {
    router.layer(middleware::from_fn(guard))
}

async fn serve<H: ServerHandler>(
    State(endpoint): State<Arc<Endpoint<H>>>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = match endpoint.admit(&mut parts).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let turn = match endpoint.turn(&admitted) {
        Ok(turn) => turn,
        Err(refusal) => return refusal,
    };
    if parts.method != Method::POST {
        // A stream that listens takes no turn from the calls.
        drop(turn);
        let response = endpoint.mcp.handle(Request::from_parts(parts, body)).await.into_response();
        return endpoint.until_the_token_ends(&admitted, response);
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    endpoint.answer(parts, body, &admitted, turn).await
}

impl<H: ServerHandler> Endpoint<H> {
    /// Lets the caller in, or refuses it before anything of the body is read.
    async fn admit(&self, parts: &mut Parts) -> Result<Admitted, Response> {
        if ![Method::POST, Method::GET, Method::DELETE].contains(&parts.method) {
            let allow = [(header::ALLOW, "GET, POST, DELETE")];
            return Err((StatusCode::METHOD_NOT_ALLOWED, allow).into_response());
        }
        let admission = self.handler.dispatch.admission.as_ref();
        if let Some(admission) = admission {
            admission.check_origin(&parts.headers, &parts.uri)?;
        }
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > LARGEST) {
            return Err(too_large());
        }
        let Some(admission) = admission else { return Ok(None) };
        let page = self.may_read_page(parts, length);
        let admitted = admission.admit(parts, page).await?;
        self.check_session(&admitted, &parts.headers)?;
        parts.extensions.insert(LetIn(admitted.clone()));
        // Whatever comes after has no use for the token, and cannot leak what it has not got.
        parts.headers.remove(header::AUTHORIZATION);
        parts.headers.remove("dpop");
        Ok(admitted)
    }

    /// A session belongs to whoever began it: its identifier alone opens nothing.
    fn check_session(&self, admitted: &Admitted, headers: &HeaderMap) -> Result<(), Response> {
        let Some(id) = headers.get(SESSION_ID) else { return Ok(()) };
        let owner = id.to_str().ok().and_then(|id| self.sessions.owner(id));
        match owner {
            Some(owner) if *owner == *principal(admitted) => Ok(()),
            _ => {
                tracing::warn!(target: "toolgate::gate", code = "session", "a session is not the caller's");
                Err(rpc_error(StatusCode::NOT_FOUND, -32001, "there is no such session"))
            }
        }
    }

    /// Does a stranger say, in headers and a few bytes, to read a widget's page? Pages hold nobody's
    /// data, and a host that is refused one shows an empty frame, or no step-up.
    fn may_read_page(&self, parts: &Parts, length: Option<usize>) -> bool {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        parts.method == Method::POST
            && length.is_some_and(|length| length <= SMALL)
            && header("mcp-method") == Some("resources/read")
            && header("mcp-name").is_some_and(|uri| self.handler.dispatch.widgets.has(uri))
    }

    fn turn(&self, admitted: &Admitted) -> Result<Option<Turn>, Response> {
        let Some(admission) = &self.handler.dispatch.admission else { return Ok(None) };
        let permit = admission.turn(admitted)?;
        Ok(permit.map(|permit| Turn { _permit: Arc::new(permit) }))
    }

    /// Ends a stream when the token of its listener does.
    fn until_the_token_ends(&self, admitted: &Admitted, response: Response) -> Response {
        let admission = self.handler.dispatch.admission.as_ref();
        let Some(left) = admission.and_then(|admission| admission.end_of(admitted)) else {
            return response;
        };
        response.map(|body| {
            let end = Box::pin(tokio::time::sleep(left));
            Body::from_stream(body.into_data_stream().take_until(end))
        })
    }

    /// Reads the message once, and answers it: quickly where nothing is unusual about it.
    async fn answer(
        &self,
        mut parts: Parts,
        body: Bytes,
        admitted: &Admitted,
        turn: Option<Turn>,
    ) -> Response {
        let (mut begins, mut listens, mut lists) = (false, false, false);
        let is_json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|ty| ty.as_bytes().get(..JSON.len()))
            .is_some_and(|ty| ty.eq_ignore_ascii_case(JSON));
        // Whatever it calls itself, a message that might be a call is looked at by the gate.
        if is_json || self.handler.dispatch.admission.is_some() {
            let envelope = match Envelope::read(&body) {
                Ok(envelope) => envelope,
                // rmcp answers all of these with 415 and a parser's words.
                Err(fault) => {
                    let (code, words) = fault.words();
                    return rpc_error(StatusCode::BAD_REQUEST, code, words);
                }
            };
            if let Some(admission) = &self.handler.dispatch.admission {
                let uri = envelope.reads();
                let page = uri.is_some_and(|uri| self.handler.dispatch.widgets.has(&uri));
                if let Err(refusal) = admission.check_stranger(admitted, page) {
                    return refusal;
                }
            }
            begins = envelope.method == "initialize" && !parts.headers.contains_key(SESSION_ID);
            lists = envelope.method == "tools/list";
            listens = envelope.method == "subscriptions/listen";
            match envelope.call() {
                None => {}
                // rmcp tells requests apart by their shape, and would not know the method.
                Some(Err(())) => return call_misshapen(envelope.id),
                Some(Ok(call)) => {
                    if let Some(turn) = &turn {
                        parts.extensions.insert(turn.clone());
                    }
                    if let Some(arguments) = call.arguments {
                        parts.extensions.insert(RawArguments(arguments.to_owned().into()));
                    }
                    let dispatch = &self.handler.dispatch;
                    let tool = dispatch.tool(&call.name);
                    if let (Some(admission), Some(tool)) = (&dispatch.admission, tool)
                        && let Err(refusal) = admission.check_call(
                            admitted,
                            (&call.name, &tool.demand),
                            &parts.headers,
                            envelope.id,
                        )
                    {
                        return refusal;
                    }
                    if let Some(tool) = tool
                        && let Some(quick) = Quick::read(&parts.headers, tool, &envelope, &call)
                    {
                        let answer = self.quick.answer(dispatch, tool, quick, parts);
                        return panic::caught(answer).await.unwrap_or_else(|_| broke(envelope.id));
                    }
                }
            }
        }
        let request = Request::from_parts(parts, Body::from(body));
        let answer = async { self.mcp.handle(request).await.into_response() };
        let response = if begins {
            let begun = self.sessions.begin(principal(admitted), answer).await;
            begun.unwrap_or_else(|Full| too_many_sessions())
        } else {
            answer.await
        };
        if lists && self.handler.dispatch.admission.is_some() {
            return lift_schemes(response).await;
        }
        if listens { self.until_the_token_ends(admitted, response) } else { response }
    }
}

fn too_many_sessions() -> Response {
    tracing::info!(target: "toolgate::gate", code = "sessions", "a session was refused");
    let message = "too many sessions are in use: end one, or try again later";
    let mut response = rpc_error(StatusCode::TOO_MANY_REQUESTS, -32600, message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

fn too_large() -> Response {
    rpc_error(StatusCode::PAYLOAD_TOO_LARGE, -32600, "a message has at most 4 MiB")
}

/// The message, if it comes in time and is not too large.
async fn read(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(rpc_error(StatusCode::BAD_REQUEST, -32700, "the message broke off")),
        Err(_) => Err(rpc_error(StatusCode::REQUEST_TIMEOUT, -32600, "the message took too long")),
    }
}

fn call_misshapen(id: Option<&RawValue>) -> Response {
    let message = "`tools/call` wants `name`, a string, and `arguments`, an object, each once";
    let error = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": -32602, "message": message },
    });
    axum::Json(error).into_response()
}

/// The answer to a call in which something panicked that is no tool.
fn broke(id: Option<&RawValue>) -> Response {
    let error = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": -32603, "message": panic::WORDS },
    });
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(error)).into_response()
}

pub(super) fn rpc_error(status: StatusCode, code: i32, message: &str) -> Response {
    let error =
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    (status, axum::Json(error)).into_response()
}
