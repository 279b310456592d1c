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
        CallToolResponse, ClientCapabilities, ErrorCode, RequestId, RequestMetaObject, ServerResult,
    },
    service::{
        Peer, RequestContext, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly,
    },
    transport::Transport,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    admission::Admitted,
    dispatch::{Dispatch, Served},
    envelope::{CallParams, Envelope},
    handler::Nothing,
    head,
    incoming::{Conversation, Incoming, LetIn},
    params::Meta,
};
use crate::{call::Caller, table::Ready};

const VERSION: &str = "2026-07-28";

/// Answers calls the short way, in the name of a peer to which nothing can be said.
pub(super) struct Quick {
    peer: Peer<RoleServer>,
    _alive: RunningService<RoleServer, Nobody>,
}

/// A call that may go the short way, as it stands in the message.
pub(super) struct ShortCall<'a> {
    id: &'a RawValue,
    arguments: &'a RawValue,
    message: &'a [u8],
}

/// Keeps the shared peer; no message ever reaches it.
struct Nobody(Nothing);

impl ServerHandler for Nobody {}

/// Leads nowhere.
struct Void;

impl Transport<RoleServer> for Void {
    type Error = std::io::Error;

    fn send(
        &mut self,
        _: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        std::future::ready(Err(std::io::ErrorKind::NotConnected.into()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        std::future::pending().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Meta<'_> {
    /// Is it of this revision, and sound?
    pub(super) fn fits(&self) -> bool {
        let said = self.version.and_then(|said| said.get().strip_prefix('"')?.strip_suffix('"'));
        let sound = |capabilities: &RawValue| {
            let capabilities = capabilities.get();
            capabilities == "{}" || serde_json::from_str::<ClientCapabilities>(capabilities).is_ok()
        };
        !self.unclear && said == Some(VERSION) && self.capabilities.is_some_and(sound)
    }

    /// Does the client want to hear something before the answer?
    pub(super) fn listens(&self) -> bool {
        self.progress_token.is_some() || self.log_level.is_some()
    }
}

impl Quick {
    pub(super) fn new() -> Self {
        let alive = serve_directly(Nobody(Nothing), Void, None);
        Self { peer: alive.peer().clone(), _alive: alive }
    }

    pub(super) async fn answer(
        &self,
        dispatch: &Dispatch,
        tool: &Served,
        (call, ready): (&ShortCall<'_>, Ready),
        (parts, admitted): (&Parts, &Admitted),
    ) -> Response {
        let caller = match &dispatch.admission {
            Some(_) => admitted.clone().map(Caller::with),
            None => Some(Caller::local()),
        };
        let conversation = Conversation::Short { call, parts, admitted, peer: &self.peer };
        let arguments = call.arguments;
        let incoming = Incoming { arguments, caller, retry: None, conversation };
        respond(call.id, dispatch.call(tool, Some(ready), incoming).await)
    }
}

impl<'a> ShortCall<'a> {
    /// The call, with its arguments decoded, if the short way is for it.
    pub(super) fn read(
        headers: &HeaderMap,
        tool: &Served,
        (envelope, call): (&Envelope<'a>, &CallParams<'_, 'a>),
        message: &'a [u8],
    ) -> Option<(Self, Ready)> {
        let fits = fits(headers, "tools/call")
            && once(headers, &head::NAME)? == call.name
            && !tool.built.marked
            && envelope.is_request()
            && !call.retries;
        if !fits {
            return None;
        }
        let meta = call.meta?;
        if !meta.fits() || (tool.built.speaks && meta.listens()) {
            return None;
        }
        let arguments = match call.arguments {
            None => no_arguments(),
            Some(arguments) => is_shallow(arguments.get()).then_some(arguments)?,
        };
        // What cannot be decoded may be no JSON for rmcp, deep inside.
        let ready = tool.built.decode(arguments).ok()?;
        let id = envelope.id.filter(|id| is_plain(id.get()))?;
        Some((Self { id, arguments, message }, ready))
    }

    /// The request as rmcp would know it.
    pub(super) fn context(
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
        parts.extensions.insert(LetIn(admitted.clone()));
        context.extensions.insert(parts);
        context
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

/// Is it an object that nobody finds too deep? rmcp counts from the outside of the message.
fn is_shallow(arguments: &str) -> bool {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    arguments.starts_with('{')
        && arguments.as_bytes().iter().filter(|byte| opens(byte)).count() < 100
}

/// Are these the headers of a request of 2026-07-28 about which nothing is unusual?
pub(super) fn fits(headers: &HeaderMap, method: &str) -> bool {
    let is = |name, expected: fn(&str) -> bool| once(headers, name).is_some_and(expected);
    once(headers, &head::METHOD) == Some(method)
        && is(&head::VERSION, |version| version == VERSION)
        && is(&header::ACCEPT, accepts_both)
        && is(&header::CONTENT_TYPE, is_json)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(&head::SESSION)
}

/// Is it an identifier that is the same however it is read? Others are rmcp's to look at.
pub(super) fn is_plain(id: &str) -> bool {
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
fn respond(id: &RawValue, outcome: Result<CallToolResponse, ErrorData>) -> Response {
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    text.extend_from_slice(id.get().as_bytes());
    let (status, written) = match &outcome {
        Ok(result) => {
            text.extend_from_slice(br#","result":"#);
            (StatusCode::OK, write(&mut text, result))
        }
        Err(error) => {
            text.extend_from_slice(br#","error":"#);
            let lacks = error.code == ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY;
            let status = if lacks { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            (status, serde_json::to_writer(&mut text, error))
        }
    };
    text.push(b'}');
    // What a tool returns is JSON already; a map whose keys are no text would not be.
    answer(if written.is_ok() { status } else { StatusCode::INTERNAL_SERVER_ERROR }, text)
}

pub(super) fn answer(status: StatusCode, text: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    // One header more is added on the way, and a map takes room for many if it is not told.
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    response
}

fn write(text: &mut Vec<u8>, result: &CallToolResponse) -> serde_json::Result<()> {
    match result {
        CallToolResponse::Complete(result) => serde_json::to_writer(text, result),
        other => serde_json::to_writer(text, &ServerResult::from(other.clone())),
    }
}
