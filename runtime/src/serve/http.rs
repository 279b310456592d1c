//! MCP over streamable HTTP.
//!
//! As long as callers are not verified, everyone who reaches the server is the local person. So it
//! answers only to peers on this machine, under a local name, and to pages of this machine: a page
//! from elsewhere that resolves its own name to 127.0.0.1 gets nothing.
#![allow(clippy::result_large_err, reason = "the error is the answer, made once")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    BoxError, Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{Method, StatusCode, Uri, header, request::Parts};
use http_body_util::BodyExt;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use super::{
    admission::{Admission, Admitted},
    dispatch::LetIn,
    envelope::{Envelope, Fault, RawArguments},
    guard::guard,
    handler::Handler,
    listing::lift_schemes,
    quick::{Quick, ShortCall},
};
use crate::gate;

/// Where the endpoint is.
pub(super) const PATH: &str = "/mcp";

/// The largest message, in bytes.
const LARGEST: usize = 4 << 20;

/// The most that a stranger may send, to read a widget's page.
const SMALL: usize = 8 << 10;

/// How long a client may take to send its message.
const SLOWEST: Duration = Duration::from_secs(30);

/// A session without a message ends after this long. A silent call counts as none, so it is longer
/// than any consent takes.
pub(super) const SESSION: Duration = Duration::from_secs(30 * 60);

/// What stands at `/mcp`.
pub(super) struct Endpoint<H: ServerHandler> {
    handler: Handler<H>,
    quick: Quick,
    mcp: StreamableHttpService<Handler<H>, LocalSessionManager>,
}

impl<H: ServerHandler> Endpoint<H> {
    pub(super) fn new(handler: &Handler<H>, ended: CancellationToken) -> Self {
        let mut config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_max_request_body_bytes(LARGEST)
            .with_cancellation_token(ended);
        // Looked at in `guard`, for all routes alike.
        config.allowed_hosts = Vec::new();
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(SESSION);
        let made = handler.clone();
        let mcp = StreamableHttpService::new(move || Ok(made.clone()), Arc::new(sessions), config);
        Self { handler: handler.clone(), quick: Quick::new(), mcp }
    }
}

/// The endpoint, and the pages of a consent. `local`: for this machine alone.
pub(super) fn router<H: ServerHandler>(
    endpoint: &Arc<Endpoint<H>>,
    pages: Router,
    cors: Option<CorsLayer>,
    local: bool,
) -> Router {
    let mut router = Router::new().route(PATH, any(serve::<H>)).with_state(Arc::clone(endpoint));
    if let Some(cors) = cors {
        router = router.layer(cors);
    }
    router = router.merge(pages);
    if let Some(admission) = endpoint.handler.dispatch.admission.clone() {
        router = router.merge(well_known(admission));
    }
    if local { local_only(router) } else { router }
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
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    endpoint.respond(request, peer).await
}

impl<H: ServerHandler> Endpoint<H> {
    /// Answers a request of this peer. Who reaches a server without a gate has passed the guard.
    pub(super) async fn respond<B>(
        &self,
        request: http::Request<B>,
        peer: Option<SocketAddr>,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let admitted = match self.admit(&mut parts, peer).await {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal,
        };
        let turn = match self.turn(&admitted) {
            Ok(turn) => turn,
            Err(refusal) => return refusal,
        };
        if parts.method != Method::POST {
            // A stream that listens takes no turn from the calls.
            drop(turn);
            let response = self.by_rmcp(parts, peer, Body::new(body), &admitted).await;
            return self.until_the_token_ends(&admitted, response);
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let response = self.answer(parts, peer, body, &admitted).await;
        drop(turn);
        response
    }

    /// Lets the caller in, or refuses it before anything of the body is read.
    async fn admit(
        &self,
        parts: &mut Parts,
        peer: Option<SocketAddr>,
    ) -> Result<Admitted, Response> {
        if ![Method::POST, Method::GET, Method::DELETE].contains(&parts.method) {
            let allow = [(header::ALLOW, "GET, POST, DELETE")];
            return Err((StatusCode::METHOD_NOT_ALLOWED, allow).into_response());
        }
        let Some(admission) = &self.handler.dispatch.admission else { return Ok(None) };
        admission.check_origin(&parts.headers, &parts.uri)?;
        let length = parts.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > LARGEST) {
            return Err(too_large());
        }
        let page = self.may_read_page(parts, length);
        let party = gate::party(&parts.extensions, peer);
        let admitted = admission.admit(parts, party, page).await?;
        admission.check_session(&admitted, &parts.headers)?;
        // Whatever comes after has no use for the token, and cannot leak what it has not got.
        parts.headers.remove(header::AUTHORIZATION);
        parts.headers.remove("dpop");
        Ok(admitted)
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

    fn turn(&self, admitted: &Admitted) -> Result<Option<OwnedSemaphorePermit>, Response> {
        let admission = self.handler.dispatch.admission.as_ref();
        admission.map_or(Ok(None), |admission| admission.turn(admitted))
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
        peer: Option<SocketAddr>,
        body: Bytes,
        admitted: &Admitted,
    ) -> Response {
        let dispatch = &self.handler.dispatch;
        let mut then = Then::Nothing;
        let is_json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|ty| ty.as_bytes().starts_with(b"application/json"));
        // Whatever it calls itself, a message that might be a call is looked at by the gate.
        if is_json || dispatch.admission.is_some() {
            let envelope = match Envelope::read(&body) {
                Ok(envelope) => envelope,
                // rmcp answers all of these with 415 and a parser's words.
                Err(fault) => {
                    let (code, words) = fault.words();
                    return rpc_error(StatusCode::BAD_REQUEST, code, words);
                }
            };
            if let Some(admission) = &dispatch.admission {
                let uri = envelope.reads();
                let page = uri.is_some_and(|uri| dispatch.widgets.has(&uri));
                if let Err(refusal) = admission.check_stranger(admitted, page) {
                    return refusal;
                }
            }
            then = Then::of(&envelope.method);
            match envelope.call() {
                None => {}
                // rmcp tells requests apart by their shape, and would not know the method.
                Some(Err(())) => return call_misshapen(&envelope.id()),
                Some(Ok(call)) => {
                    let tool = dispatch.tool(&call.name);
                    if let (Some(admission), Some(tool)) = (&dispatch.admission, tool)
                        && let Err(refusal) = admission.check_call(
                            admitted,
                            (&call.name, &tool.demand),
                            &parts.headers,
                            &envelope,
                        )
                    {
                        return refusal;
                    }
                    let short = tool.filter(|_| dispatch.quick).and_then(|tool| {
                        let short = ShortCall::read(&parts.headers, tool, &envelope, &call)?;
                        Some((tool, short))
                    });
                    if let Some((tool, (call, ready))) = short {
                        let call = (&call, ready);
                        return self.quick.answer(dispatch, tool, call, (&parts, admitted)).await;
                    }
                    if let Some(arguments) = call.arguments {
                        parts.extensions.insert(RawArguments(arguments.to_owned().into()));
                    }
                }
            }
        }
        // Boxed: what is rare does not make every request carry its state.
        let request = body.clone();
        let response = Box::pin(self.by_rmcp(parts, peer, Body::from(body), admitted)).await;
        if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            // rmcp's status for what it cannot read, however deep inside it is.
            let (code, words) = Fault::inside(&request).words();
            return rpc_error(StatusCode::BAD_REQUEST, code, words);
        }
        match (&dispatch.admission, then) {
            (Some(admission), Then::Keep) => {
                admission.keep_session(admitted, &response);
                response
            }
            (Some(_), Then::Lift) => Box::pin(lift_schemes(response)).await,
            (_, Then::Listen) => self.until_the_token_ends(admitted, response),
            _ => response,
        }
    }

    async fn by_rmcp(
        &self,
        mut parts: Parts,
        peer: Option<SocketAddr>,
        body: Body,
        admitted: &Admitted,
    ) -> Response {
        if let Some(peer) = peer {
            parts.extensions.insert(ConnectInfo(peer));
        }
        if self.handler.dispatch.admission.is_some() {
            parts.extensions.insert(LetIn(admitted.clone()));
        }
        self.mcp.handle(Request::from_parts(parts, body)).await.into_response()
    }
}

/// What follows rmcp's answer.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// A session begins, which is remembered.
    Keep,
    /// Tools are listed, whose schemes are lifted.
    Lift,
    /// A stream begins, which ends with the token.
    Listen,
}

impl Then {
    fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Keep,
            "tools/list" => Self::Lift,
            "subscriptions/listen" => Self::Listen,
            _ => Self::Nothing,
        }
    }
}

fn too_large() -> Response {
    rpc_error(StatusCode::PAYLOAD_TOO_LARGE, -32600, "a message has at most 4 MiB")
}

/// The message, if it comes in time and is not too large.
async fn read<B>(body: B) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let broke_off = || rpc_error(StatusCode::BAD_REQUEST, -32700, "the message broke off");
    match tokio::time::timeout(SLOWEST, whole(body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Some(_))) => Err(broke_off()),
        Ok(Err(None)) => Err(too_large()),
        Err(_) => Err(rpc_error(StatusCode::REQUEST_TIMEOUT, -32600, "the message took too long")),
    }
}

/// All of a body; the error is `None` if it is too large. One that comes in one piece, as nearly
/// all do, is not copied.
async fn whole<B>(mut body: B) -> Result<Bytes, Option<BoxError>>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| Some(error.into()))?.into_data() else { continue };
        if first.len() + all.len() + data.len() > LARGEST {
            return Err(None);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            if body.is_end_stream() {
                break;
            }
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn call_misshapen(id: &Value) -> Response {
    let message = "`tools/call` wants `name`, a string, and `arguments`, an object, each once";
    let error = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": -32602, "message": message },
    });
    axum::Json(error).into_response()
}

pub(super) fn rpc_error(status: StatusCode, code: i32, message: &str) -> Response {
    let error =
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    (status, axum::Json(error)).into_response()
}
