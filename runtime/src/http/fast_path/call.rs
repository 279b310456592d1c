//! The short way of a call: what rmcp would do with it, without a service loop for each request.
//!
//! It is for calls of 2026-07-28 about which nothing is unusual, of tools that say nothing while
//! they run. Everything else goes on to rmcp, which words every protocol error; so there is no
//! second wording here.

use std::sync::LazyLock;

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResponse, ClientCapabilities,
        ClientRequest, ErrorCode, Implementation, InitializeRequestParams, ProtocolVersion,
        RequestId, RequestMetaObject, ServerResult,
    },
    service::{DynService, Peer, RequestContext, RunningService, serve_directly},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{DuplexStream, duplex};

use super::{
    envelope::{CallParams, Envelope},
    params::REVISION,
    strict_object::is_sound,
};
use crate::tool::{
    call::Caller,
    registry::{Ready, is_marked},
};
use crate::{
    gate::resource_server::Admitted,
    http::headers as head,
    mcp::{
        dispatch::Dispatch,
        fallback::ErasedHandler,
        handler::Handler,
        registry::ServedTool,
        request::{Authenticated, CallContext, CallRequest, LazyContext},
    },
    stdio::{framing::Lines, transport::Wire},
};

/// Answers calls the short way, in the name of a peer to which nothing can be said.
pub(crate) struct Quick {
    peer: Peer<RoleServer>,
    _alive: RunningService<RoleServer, Handler<ErasedHandler>>,
    /// The end from which nothing comes.
    _silent: DuplexStream,
}

/// A call that may go the short way, as it stands in the message.
pub(crate) struct ShortCall<'a> {
    id: &'a RawValue,
    arguments: &'a RawValue,
    message: &'a [u8],
}

impl Quick {
    pub(crate) fn new(handler: Handler<ErasedHandler>) -> Self {
        // What rmcp makes up of a client that did not introduce itself.
        let client =
            InitializeRequestParams::new(ClientCapabilities::default(), Implementation::default());
        let client = client.with_protocol_version(ProtocolVersion::V_2026_07_28);
        // Whatever is written fails, because nobody has the other end.
        let ((input, silent), (output, _)) = (duplex(1), duplex(1));
        let wire = Wire::Lines(Lines::new(input, output));
        let alive = serve_directly(handler, wire, Some(client));
        Self { peer: alive.peer().clone(), _alive: alive, _silent: silent }
    }

    pub(crate) async fn answer(
        &self,
        dispatch: &Dispatch,
        tool: &ServedTool,
        (call, ready): (&ShortCall<'_>, Ready),
        (parts, admitted): (&Parts, &Admitted),
    ) -> Response {
        let caller = match &dispatch.admission {
            Some(_) => admitted.clone().map(Caller::from_claims),
            None => Some(Caller::local()),
        };
        let context = FastContext { call, parts, admitted, peer: &self.peer };
        let request = CallRequest {
            arguments: call.arguments,
            caller,
            retry: None,
            context: CallContext::Lazy(&context),
        };
        match dispatch.call(tool, Some(ready), request).await {
            Ok(CallToolResponse::Complete(result)) => respond(call.id, Ok(&result)),
            Ok(other) => respond(call.id, Ok(&ServerResult::from(other))),
            Err(error) => respond::<ServerResult>(call.id, Err(&error)),
        }
    }

    /// As [`Quick::answer`], from the handler beside the tools.
    pub(crate) async fn answer_beside(
        &self,
        handler: &Handler<ErasedHandler>,
        (call, params): (&ShortCall<'_>, CallToolRequestParams),
        (parts, admitted): (&Parts, &Admitted),
    ) -> Response {
        let _running = handler.dispatch.running.token();
        let context = call.context(parts, admitted, &self.peer);
        // Whoever leaves lets go of this future, and what the handler began should end as well.
        let left = context.ct.clone().drop_guard();
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let outcome = DynService::handle_request(handler, request, context).await;
        left.disarm();
        respond(call.id, outcome.as_ref())
    }
}

impl<'a> ShortCall<'a> {
    /// The call, with its arguments decoded, if the short way is for it.
    pub(crate) fn read(
        headers: &HeaderMap,
        tool: &ServedTool,
        (envelope, call): (&Envelope<'a>, &CallParams<'_, 'a>),
        message: &'a [u8],
    ) -> Option<(Self, Ready)> {
        if tool.registered.marked || (tool.registered.speaks && call.meta?.listens()) {
            return None;
        }
        let short = Self::of(headers, (envelope, call), message)?;
        let ready = tool.registered.decode(short.arguments).ok()?;
        Some((short, ready))
    }

    /// The call, if the short way is for it, to the handler beside the tools.
    pub(crate) fn read_beside(
        headers: &HeaderMap,
        handler: &Handler<ErasedHandler>,
        (envelope, call): (&Envelope<'a>, &CallParams<'_, 'a>),
        message: &'a [u8],
    ) -> Option<(Self, CallToolRequestParams)> {
        #[derive(Deserialize)]
        struct Message {
            params: CallToolRequestParams,
        }
        if call.meta?.listens() {
            return None;
        }
        let short = Self::of(headers, (envelope, call), message)?;
        // Arguments that are wanted in headers too are rmcp's to compare.
        let schema = handler.get_tool(&call.name)?.input_schema;
        if schema.values().any(is_marked) {
            return None;
        }
        let mut params = serde_json::from_slice::<Message>(message).ok()?.params;
        // It stands in the context.
        params.meta = None;
        Some((short, params))
    }

    /// The call, if nothing is unusual about it, whichever tool it is for.
    fn of(
        headers: &HeaderMap,
        (envelope, call): (&Envelope<'a>, &CallParams<'_, 'a>),
        message: &'a [u8],
    ) -> Option<Self> {
        let fits = fits(headers, "tools/call")
            && once(headers, &head::NAME)? == call.name
            && call.meta?.fits()
            && envelope.is_request()
            && !call.retries
            && !call.names_uri;
        if !fits {
            return None;
        }
        let arguments = match call.arguments {
            Some(arguments) => arguments,
            None => no_arguments(),
        };
        // A tool may skip what it does not want; and what is no object is rmcp's.
        if !arguments.get().starts_with('{') || !is_sound(arguments) {
            return None;
        }
        let id = envelope.id.filter(|id| is_plain(id.get()))?;
        Some(Self { id, arguments, message })
    }

    /// The request as rmcp would know it.
    fn context(
        &self,
        parts: &Parts,
        admitted: &Admitted,
        peer: &Peer<RoleServer>,
    ) -> RequestContext<RoleServer> {
        let id = serde_json::from_str(self.id.get()).unwrap_or(RequestId::Number(0));
        let mut context = RequestContext::new(id, peer.clone());
        context.meta = meta_of(self.message);
        let mut parts = parts.clone();
        // As by the other way: what is not needed is not handed on.
        head::forget_credentials(&mut parts.headers);
        parts.extensions.insert(Authenticated(admitted.clone()));
        context.extensions.insert(parts);
        context
    }
}

/// What the context of a call is built from, if its tool needs one.
struct FastContext<'a> {
    call: &'a ShortCall<'a>,
    parts: &'a Parts,
    admitted: &'a Admitted,
    peer: &'a Peer<RoleServer>,
}

impl LazyContext for FastContext<'_> {
    fn build(&self) -> RequestContext<RoleServer> {
        self.call.context(self.parts, self.admitted, self.peer)
    }
}

/// The whole of `_meta`, for who asks.
fn meta_of(message: &[u8]) -> RequestMetaObject {
    #[derive(Deserialize)]
    struct Message {
        params: Params,
    }
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "_meta")]
        meta: RequestMetaObject,
    }
    serde_json::from_slice(message).map(|it: Message| it.params.meta).unwrap_or_default()
}

fn no_arguments() -> &'static RawValue {
    static NONE: LazyLock<Box<RawValue>> =
        LazyLock::new(|| RawValue::from_string("{}".to_owned()).unwrap_or_default());
    &NONE
}

/// Are these the headers of a request of 2026-07-28 about which nothing is unusual?
pub(crate) fn fits(headers: &HeaderMap, method: &str) -> bool {
    let is = |name, expected: fn(&str) -> bool| once(headers, name).is_some_and(expected);
    once(headers, &head::METHOD) == Some(method)
        && is(&head::VERSION, |version| version == REVISION)
        && is(&header::ACCEPT, accepts_both)
        && is(&header::CONTENT_TYPE, is_json)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(&head::SESSION)
}

/// Is it an identifier that is the same however it is read? Others are rmcp's to look at.
pub(crate) fn is_plain(id: &str) -> bool {
    match id.as_bytes() {
        [b'"', .., b'"'] => !id.contains('\\'),
        [b'-', b'0', ..] => false,
        [b'-', digits @ ..] | digits => {
            !digits.is_empty() && digits.len() < 16 && digits.iter().all(u8::is_ascii_digit)
        }
    }
}

/// The header's value, if it is there once and is text.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn accepts_both(accept: &str) -> bool {
    accept.contains("application/json") && accept.contains("text/event-stream")
}

fn is_json(content_type: &str) -> bool {
    matches!(content_type, "application/json" | "application/json; charset=utf-8")
}

/// The answer, in one buffer.
pub(crate) fn respond<T: Serialize + ?Sized>(
    id: &RawValue,
    outcome: Result<&T, &ErrorData>,
) -> Response {
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    text.extend_from_slice(id.get().as_bytes());
    let (status, written) = match outcome {
        Ok(result) => {
            text.extend_from_slice(br#","result":"#);
            (StatusCode::OK, serde_json::to_writer(&mut text, result))
        }
        Err(error) => {
            text.extend_from_slice(br#","error":"#);
            (status_of(error), serde_json::to_writer(&mut text, error))
        }
    };
    text.push(b'}');
    // What a tool returns is JSON already; a map whose keys are no text would not be.
    answer(if written.is_ok() { status } else { StatusCode::INTERNAL_SERVER_ERROR }, text)
}

/// With which status an error of the protocol is sent in 2026-07-28.
fn status_of(error: &ErrorData) -> StatusCode {
    match error.code {
        ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        | ErrorCode::HEADER_MISMATCH => StatusCode::BAD_REQUEST,
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

fn answer(status: StatusCode, text: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    // One header more is added on the way, and a map takes room for many if it is not told.
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    response
}
