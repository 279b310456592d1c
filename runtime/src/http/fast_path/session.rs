//! Messages of sessions, answered without the session's machinery.
//!
//! A server without a fallback handler sends nothing to its clients but responses, so everything that
//! its own handler answers is answered here. Calls are in `call.rs`.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, request::Parts};
use rmcp::{
    ServerHandler,
    model::{
        ClientJsonRpcMessage, ClientRequest, GetExtensions, GetMeta, InitializeRequestParams,
        InitializeResult, ProtocolVersion, ServerResult,
    },
    service::DynService,
};
use serde_json::value::RawValue;

use super::{
    call::{FastPath, context},
    eligibility::{has_plain_headers_before_session, has_session_headers, is_plain_id},
    response::session_response,
    running_calls::cancelled_request,
};
use crate::{
    gate::Claims,
    http::{headers as names, sealed_session::Session},
    mcp::{fallback::ErasedHandler, handler::Handler, message::Message, panic},
};

/// A message of a session that the fast path answers.
pub(crate) enum SessionMessage<'a> {
    /// Nothing is to be done about it.
    Notification,
    /// The list of all tools that the caller sees.
    List(&'a RawValue, Box<ClientRequest>),
    Request(&'a RawValue, Box<ClientRequest>),
}

/// An `initialize` that the fast path answers.
pub(crate) struct Initialize<'a> {
    id: &'a RawValue,
    client: InitializeRequestParams,
    result: InitializeResult,
}

impl<'a> SessionMessage<'a> {
    /// The message, if the fast path answers it.
    pub(crate) fn new(
        headers: &HeaderMap,
        session: &Session,
        message: &Message<'a>,
        body: &[u8],
    ) -> Option<Self> {
        if !message.is_request() || !has_session_headers(headers, session) {
            return None;
        }
        // Read as rmcp reads it, so that a message is what it would be there.
        match serde_json::from_slice(body).ok()? {
            ClientJsonRpcMessage::Notification(_) => Some(Self::Notification),
            ClientJsonRpcMessage::Request(request) => {
                let id = message.id.filter(|id| is_plain_id(id.get()))?;
                let request = request.request;
                let meta = request.get_meta();
                if meta.protocol_version().is_some() || meta.client_capabilities().is_some() {
                    return None;
                }
                match &request {
                    ClientRequest::ListToolsRequest(list)
                        if list.params.as_ref().is_none_or(|params| params.cursor.is_none()) =>
                    {
                        Some(Self::List(id, Box::new(request)))
                    }
                    ClientRequest::PingRequest(_)
                    | ClientRequest::ListToolsRequest(_)
                    | ClientRequest::ListResourcesRequest(_)
                    | ClientRequest::ListResourceTemplatesRequest(_)
                    | ClientRequest::ReadResourceRequest(_)
                    | ClientRequest::ListPromptsRequest(_)
                    | ClientRequest::GetPromptRequest(_)
                    | ClientRequest::CompleteRequest(_)
                    | ClientRequest::SetLevelRequest(_) => {
                        Some(Self::Request(id, Box::new(request)))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl<'a> Initialize<'a> {
    /// The request, if the fast path answers it.
    pub(crate) fn new(
        headers: &HeaderMap,
        handler: &Handler<ErasedHandler>,
        message: &Message<'a>,
        body: &[u8],
    ) -> Option<Box<Self>> {
        let id = message.id.filter(|id| message.is_request() && is_plain_id(id.get()))?;
        let ClientJsonRpcMessage::Request(request) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        let ClientRequest::InitializeRequest(request) = request.request else { return None };
        let client = request.params;
        let version = &client.protocol_version;
        // rmcp words what there is to say about a revision that it does not know.
        if !version.has_initialize()
            || headers.contains_key(&names::VERSION)
                && !ProtocolVersion::KNOWN_VERSIONS.contains(version)
            || !has_plain_headers_before_session(headers, version.as_str())
        {
            return None;
        }
        let negotiated = panic::catch(|| handler.negotiate_initialize(&client));
        let result = negotiated.ok()?.ok()?;
        let client = client.with_protocol_version(result.protocol_version.clone());
        Some(Box::new(Self { id, client, result }))
    }
}

impl FastPath {
    /// Begins a session, whose identifier `seal` makes.
    pub(crate) fn initialize(
        initialize: Initialize<'_>,
        seal: impl FnOnce(InitializeRequestParams) -> Arc<str>,
    ) -> Response {
        let Initialize { id, client, result } = initialize;
        let mut response = session_response(id, Ok(&ServerResult::InitializeResult(result)));
        match HeaderValue::try_from(&*seal(client)) {
            Ok(session) => _ = response.headers_mut().insert(names::SESSION.clone(), session),
            Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        }
        response
    }

    /// Cancels the call that a message is about, if it is such a message.
    pub(crate) fn cancel(&self, session: &Session, caller: Option<&Claims>, body: &[u8]) {
        if let Some(id) = cancelled_request(body) {
            self.running.cancel(session, caller, &id);
        }
    }

    /// Cancels the calls of a session that has ended.
    pub(crate) fn cancel_all(&self, session: &Session) {
        self.running.cancel_all(session);
    }

    /// Acknowledges a notification about which nothing is to be done.
    pub(crate) fn acknowledge() -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::ACCEPTED;
        response
    }

    /// Answers a request of a session.
    pub(crate) async fn answer(
        &self,
        id: &RawValue,
        mut request: ClientRequest,
        (parts, claims): (&Parts, Option<&Claims>),
    ) -> Response {
        let dispatch = &self.handler.0.dispatch;
        let _running = dispatch.running.token();
        let host = dispatch.host();
        let mut context = context(id, (parts, host), claims, self.session_peer.get());
        context.meta = std::mem::take(request.get_meta_mut());
        request.extensions_mut().clear();
        let outcome = DynService::handle_request(&self.handler, request, context).await;
        session_response(id, outcome.as_ref())
    }
}
