//! Calls on the fast path: which ones it takes, and how it answers them.

use std::sync::LazyLock;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, request::Parts};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResponse, ClientCapabilities,
        ClientRequest, Implementation, InitializeRequestParams, ProtocolVersion, RequestId,
        RequestMetaObject, ServerResult,
    },
    service::{DynService, Peer, RequestContext, RunningService, serve_directly},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    eligibility::{has_plain_headers, is_plain_id, only},
    response::response,
};
use crate::{
    gate::Claims,
    http::headers as names,
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::{CallParams, Message, is_valid},
        named_handler::NamedHandler,
        registry::ServedTool,
        request::{Authenticated, CallContext, CallRequest, LazyContext},
        transport::ServerTransport,
    },
    tool::{
        call::Caller,
        registry::{PreparedCall, is_mirrored},
    },
};

/// Answers calls in the name of a peer that receives nothing but responses.
pub(crate) struct FastPath {
    handler: NamedHandler,
    peer: Peer<RoleServer>,
    /// The peer is connected as long as its service runs.
    _service: RunningService<RoleServer, NamedHandler>,
}

/// A call that the fast path takes, borrowed from the body of its request.
pub(crate) struct FastCall<'a> {
    id: &'a RawValue,
    arguments: &'a RawValue,
    body: &'a [u8],
}

impl FastPath {
    pub(crate) fn new(handler: Handler<ErasedHandler>) -> Self {
        let handler = NamedHandler(handler);
        // rmcp assumes the same of a client that did not introduce itself.
        let client =
            InitializeRequestParams::new(ClientCapabilities::default(), Implementation::default());
        let client = client.with_protocol_version(ProtocolVersion::V_2026_07_28);
        let service = serve_directly(handler.clone(), ServerTransport::Disconnected, Some(client));
        Self { handler, peer: service.peer().clone(), _service: service }
    }

    /// Calls a tool whose arguments are decoded.
    pub(crate) async fn call(
        &self,
        tool: &ServedTool,
        (call, prepared): (&FastCall<'_>, PreparedCall),
        (parts, claims): (&Parts, Option<&Claims>),
    ) -> Response {
        let dispatch = &self.handler.0.dispatch;
        let caller = match &dispatch.resource_server {
            Some(_) => claims.cloned().map(Caller::from_claims),
            None => Some(Caller::local()),
        };
        let host = dispatch.host();
        let context = FastContext { call, parts: (parts, host), claims, peer: &self.peer };
        let request = CallRequest {
            arguments: call.arguments,
            caller,
            retry: None,
            context: CallContext::Lazy(&context),
            span: dispatch.tracer.of(&parts.extensions),
        };
        match dispatch.call(tool, Some(prepared), request).await {
            Ok(CallToolResponse::Complete(mut result)) => {
                let info = &dispatch.server_info;
                // Nearly no result has `_meta` of its own, which would have to be merged.
                let member = match &result.meta {
                    None => info.member(),
                    Some(_) => {
                        info.add_to(&mut result);
                        ""
                    }
                };
                response(call.id, Ok(&result), member)
            }
            Ok(mut other) => {
                dispatch.server_info.add_to(&mut other);
                response(call.id, Ok(&ServerResult::from(other)), "")
            }
            Err(error) => response::<ServerResult>(call.id, Err(&error), ""),
        }
    }

    /// Calls a tool of the fallback handler.
    pub(crate) async fn call_fallback(
        &self,
        (call, params): (&FastCall<'_>, CallToolRequestParams),
        (parts, claims): (&Parts, Option<&Claims>),
    ) -> Response {
        let dispatch = &self.handler.0.dispatch;
        let _running = dispatch.running.token();
        let context = call.context((parts, dispatch.host()), claims, &self.peer);
        // If the client disconnects, this future is dropped; then what the handler spawned is
        // cancelled as well.
        let cancel = context.ct.clone().drop_guard();
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let outcome = DynService::handle_request(&self.handler, request, context).await;
        cancel.disarm();
        response(call.id, outcome.as_ref(), "")
    }
}

impl<'a> FastCall<'a> {
    /// The call with its arguments decoded, if the fast path takes it.
    pub(crate) fn new(
        headers: &HeaderMap,
        tool: &ServedTool,
        (message, call): (&Message<'a>, &CallParams<'_, 'a>),
        body: &'a [u8],
    ) -> Option<(Self, PreparedCall)> {
        let tool = &tool.registered;
        if tool.mirrors_headers || (tool.uses_context && call.meta?.wants_notifications()) {
            return None;
        }
        let fast = Self::plain(headers, (message, call), body)?;
        let prepared = tool.decode(fast.arguments).ok()?;
        Some((fast, prepared))
    }

    /// The call to a tool of the fallback handler, if the fast path takes it.
    pub(crate) fn to_fallback(
        headers: &HeaderMap,
        handler: &Handler<ErasedHandler>,
        (message, call): (&Message<'a>, &CallParams<'_, 'a>),
        body: &'a [u8],
    ) -> Option<(Self, CallToolRequestParams)> {
        #[derive(Deserialize)]
        struct WithParams {
            params: CallToolRequestParams,
        }
        if call.meta?.wants_notifications() {
            return None;
        }
        let fast = Self::plain(headers, (message, call), body)?;
        // rmcp compares arguments that are mirrored in headers.
        let schema = handler.get_tool(&call.name)?.input_schema;
        if schema.values().any(is_mirrored) {
            return None;
        }
        let mut params = serde_json::from_slice::<WithParams>(body).ok()?.params;
        // The context has it.
        params.meta = None;
        Some((fast, params))
    }

    /// The call, if it uses none of the protocol's options.
    fn plain(
        headers: &HeaderMap,
        (message, call): (&Message<'a>, &CallParams<'_, 'a>),
        body: &'a [u8],
    ) -> Option<Self> {
        let is_plain = has_plain_headers(headers, "tools/call")
            && only(headers, &names::NAME)? == call.name
            && call.meta?.is_current()
            && message.is_request()
            && !call.is_retry
            && !call.has_uri;
        if !is_plain {
            return None;
        }
        let arguments = match call.arguments {
            Some(arguments) => arguments,
            None => no_arguments(),
        };
        // A tool skips arguments that it does not know, so they are validated here. rmcp refuses
        // arguments that are no object.
        if !arguments.get().starts_with('{') || !is_valid(arguments) {
            return None;
        }
        let id = message.id.filter(|id| is_plain_id(id.get()))?;
        Some(Self { id, arguments, body })
    }

    /// The context that rmcp would build for the request.
    fn context(
        &self,
        (parts, host): (&Parts, Option<&HeaderValue>),
        claims: Option<&Claims>,
        peer: &Peer<RoleServer>,
    ) -> RequestContext<RoleServer> {
        let id = serde_json::from_str(self.id.get()).unwrap_or(RequestId::Number(0));
        let mut context = RequestContext::new(id, peer.clone());
        context.meta = self.meta();
        let mut parts = parts.clone();
        names::prepare(&mut parts, host);
        parts.extensions.insert(Authenticated(claims.cloned()));
        context.extensions.insert(parts);
        context
    }

    /// All members of `_meta`.
    fn meta(&self) -> RequestMetaObject {
        #[derive(Deserialize)]
        struct WithParams {
            params: WithMeta,
        }
        #[derive(Deserialize)]
        struct WithMeta {
            #[serde(rename = "_meta")]
            meta: RequestMetaObject,
        }
        serde_json::from_slice(self.body).map(|it: WithParams| it.params.meta).unwrap_or_default()
    }
}

/// Builds the context of a call if its tool needs one.
struct FastContext<'a> {
    call: &'a FastCall<'a>,
    /// The head of the request, and this server's host.
    parts: (&'a Parts, Option<&'a HeaderValue>),
    claims: Option<&'a Claims>,
    peer: &'a Peer<RoleServer>,
}

impl LazyContext for FastContext<'_> {
    fn build(&self) -> RequestContext<RoleServer> {
        self.call.context(self.parts, self.claims, self.peer)
    }
}

fn no_arguments() -> &'static RawValue {
    static NO_ARGUMENTS: LazyLock<Box<RawValue>> =
        LazyLock::new(|| RawValue::from_string("{}".to_owned()).unwrap_or_default());
    &NO_ARGUMENTS
}
