//! Calls on the fast path: which ones it takes, and how it answers them.

use std::sync::{Arc, LazyLock};

use axum::response::Response;
use http::{HeaderMap, HeaderValue, request::Parts};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
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
    eligibility::{has_plain_headers, has_session_headers, is_plain_id, only},
    response::{response, session_response},
    running_calls::RunningCalls,
};
use crate::{
    gate::Claims,
    http::{headers as names, sealed_session::Session},
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::{CallParams, Message, is_valid},
        named_handler::NamedHandler,
        registry::ServedTool,
        request::{Authenticated, CallContext, CallRequest, LazyContext, LivePeers, SessionLink},
        transport::ServerTransport,
    },
    tool::{
        call::Caller,
        registry::{PreparedCall, is_mirrored},
    },
};

/// Answers requests in the name of peers that receive nothing but responses.
pub(crate) struct FastPath {
    pub(super) handler: NamedHandler,
    /// A client of 2026-07-28.
    peer: SilentPeer,
    /// A client that has a session.
    pub(super) session_peer: SilentPeer,
    /// The peers of sessions that live in this process.
    live_peers: Arc<dyn LivePeers>,
    pub(super) running: RunningCalls,
}

/// A peer of a client that receives nothing but responses. It is connected as long as its service runs.
pub(super) struct SilentPeer(RunningService<RoleServer, NamedHandler>);

/// A call that the fast path takes, borrowed from the body of its request.
pub(crate) struct FastCall<'a> {
    id: &'a RawValue,
    arguments: &'a RawValue,
    body: &'a [u8],
    /// The session of a client before 2026-07-28.
    pub(crate) session: Option<&'a Session>,
}

impl SilentPeer {
    fn new(handler: &NamedHandler, client: InitializeRequestParams) -> Self {
        Self(serve_directly(handler.clone(), ServerTransport::Disconnected, Some(client)))
    }

    pub(super) fn get(&self) -> &Peer<RoleServer> {
        self.0.peer()
    }
}

impl FastPath {
    pub(crate) fn new(handler: Handler<ErasedHandler>, live_peers: Arc<dyn LivePeers>) -> Self {
        let handler = NamedHandler(handler);
        // rmcp assumes the same of a client that did not introduce itself.
        let client =
            InitializeRequestParams::new(ClientCapabilities::default(), Implementation::default());
        let peer =
            |version| SilentPeer::new(&handler, client.clone().with_protocol_version(version));
        let current = peer(ProtocolVersion::V_2026_07_28);
        let session_peer = peer(ProtocolVersion::V_2025_11_25);
        Self { handler, peer: current, session_peer, live_peers, running: RunningCalls::new() }
    }

    /// Calls a tool whose arguments are decoded.
    pub(crate) async fn call(
        &self,
        tool: &ServedTool,
        (call, prepared): (&FastCall<'_>, PreparedCall),
        (parts, claims): (&Parts, Option<&Claims>),
    ) -> Response {
        let dispatch = &self.handler.0.dispatch;
        let context = FastContext { call, parts: (parts, dispatch.host()), claims, path: self };
        match dispatch.call(tool, Some(prepared), self.request(&context)).await {
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

    /// Calls a tool whose arguments are decoded, in a session. Its client may cancel it.
    pub(crate) async fn call_in_session(
        &self,
        tool: &ServedTool,
        (call, prepared): (&FastCall<'_>, PreparedCall),
        (session, parts, claims): (&Session, &Parts, Option<&Claims>),
    ) -> Response {
        let dispatch = &self.handler.0.dispatch;
        let context = FastContext { call, parts: (parts, dispatch.host()), claims, path: self };
        let running = dispatch.call(tool, Some(prepared), self.request(&context));
        let outcome = self.running.run((session, claims, call.id.get()), running).await;
        let cancelled = || Err(ErrorData::internal_error("the call was cancelled", None));
        // In the form of the revisions that have sessions.
        let outcome = outcome.unwrap_or_else(cancelled).map(|response| {
            let mut result = ServerResult::from(response);
            result.strip_result_type_for_legacy_peer();
            result.strip_non_object_output_for_legacy_peer();
            result
        });
        session_response(call.id, outcome.as_ref())
    }

    /// The call, as the dispatch takes it.
    fn request<'a>(&self, context: &'a FastContext<'a>) -> CallRequest<'a> {
        let dispatch = &self.handler.0.dispatch;
        let caller = match &dispatch.resource_server {
            Some(_) => context.claims.cloned().map(Caller::from_claims),
            None => Some(Caller::local()),
        };
        CallRequest {
            arguments: context.call.arguments,
            caller,
            retry: None,
            context: CallContext::Lazy(context),
            span: dispatch.tracer.of(&context.parts.0.extensions),
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
        let context = call.context((parts, dispatch.host()), claims, self.peer.get());
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
        (tool, session): (&ServedTool, Option<&'a Session>),
        (message, call): (&Message<'a>, &CallParams<'_, 'a>),
        body: &'a [u8],
    ) -> Option<(Self, PreparedCall)> {
        let tool = &tool.registered;
        let needs_sdk = match session {
            None => tool.mirrors_headers || tool.uses_context && call.meta?.wants_notifications(),
            // The context of a session sends requests to the client as well.
            Some(_) => tool.uses_context,
        };
        if needs_sdk {
            return None;
        }
        let fast = Self::plain(headers, (message, call), (body, session))?;
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
        let fast = Self::plain(headers, (message, call), (body, None))?;
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
        (body, session): (&'a [u8], Option<&'a Session>),
    ) -> Option<Self> {
        let is_plain = match session {
            None => {
                has_plain_headers(headers, "tools/call")
                    && only(headers, &names::NAME)? == call.name
                    && call.meta?.is_current()
            }
            Some(session) => {
                has_session_headers(headers, session)
                    && (call.lacks_meta || call.meta?.is_of_session())
            }
        };
        if !is_plain || !message.is_request() || call.is_retry || call.has_uri {
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
        Some(Self { id, arguments, body, session })
    }

    /// The context that rmcp would build for the request.
    fn context(
        &self,
        parts: (&Parts, Option<&HeaderValue>),
        claims: Option<&Claims>,
        peer: &Peer<RoleServer>,
    ) -> RequestContext<RoleServer> {
        let mut context = context(self.id, parts, claims, peer);
        context.meta = self.meta();
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
    path: &'a FastPath,
}

impl LazyContext for FastContext<'_> {
    fn build(&self) -> RequestContext<RoleServer> {
        let context = |peer: &SilentPeer| self.call.context(self.parts, self.claims, peer.get());
        match self.call.session {
            None => context(&self.path.peer),
            // What is asked of the user depends on what the client can show.
            Some(session) => {
                let peer = SilentPeer::new(&self.path.handler, session.client.clone());
                let mut context = context(&peer);
                let peers = Arc::clone(&self.path.live_peers);
                context.extensions.insert(SessionLink { session: Arc::clone(&session.id), peers });
                context
            }
        }
    }
}

/// The context that rmcp would build for a request with this identifier, without its `_meta`.
pub(super) fn context(
    id: &RawValue,
    (parts, host): (&Parts, Option<&HeaderValue>),
    claims: Option<&Claims>,
    peer: &Peer<RoleServer>,
) -> RequestContext<RoleServer> {
    let id = serde_json::from_str(id.get()).unwrap_or(RequestId::Number(0));
    let mut context = RequestContext::new(id, peer.clone());
    let mut parts = parts.clone();
    names::prepare(&mut parts, host);
    parts.extensions.insert(Authenticated(claims.cloned()));
    context.extensions.insert(parts);
    context
}

fn no_arguments() -> &'static RawValue {
    static NO_ARGUMENTS: LazyLock<Box<RawValue>> =
        LazyLock::new(|| RawValue::from_string("{}".to_owned()).unwrap_or_default());
    &NO_ARGUMENTS
}
