//! The short way of a call: what rmcp would do with it, without a service loop for each request.
//!
//! It is for calls of 2026-07-28 about which nothing is unusual, of tools that say nothing while
//! they run. Everything else goes on to rmcp, which words every protocol error; so there is no
//! second wording here.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header, request::Parts};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, ErrorCode, ProtocolVersion, RequestId, RequestMetaObject,
        ServerJsonRpcMessage, ServerResult,
    },
    service::{
        Peer, RequestContext, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly,
    },
    transport::Transport,
};

use super::{
    dispatch::{Dispatch, Served},
    envelope::{CallParams, Envelope},
    handler::Nothing,
};
use crate::tool::Need;

/// Answers calls the short way, in the name of a peer to which nothing can be said.
pub(super) struct Quick {
    peer: Peer<RoleServer>,
    _alive: RunningService<RoleServer, Nobody>,
}

/// A call that may go the short way.
pub(super) struct QuickCall {
    id: RequestId,
    params: CallToolRequestParams,
    meta: RequestMetaObject,
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

impl Quick {
    pub(super) fn new() -> Self {
        let alive = serve_directly(Nobody(Nothing), Void, None);
        Self { peer: alive.peer().clone(), _alive: alive }
    }

    /// The call, if the short way is for it.
    pub(super) fn read(
        headers: &HeaderMap,
        tool: &Served,
        envelope: &Envelope<'_>,
        call: &CallParams<'_>,
    ) -> Option<QuickCall> {
        let version = ProtocolVersion::V_2026_07_28;
        let fits = once(headers, "mcp-protocol-version")? == version.as_str()
            && once(headers, "mcp-method")? == "tools/call"
            && once(headers, "mcp-name")? == call.name
            && accepts_both(once(headers, header::ACCEPT.as_str())?)
            && !headers.contains_key(header::CONTENT_ENCODING)
            && !headers.contains_key("mcp-session-id")
            && envelope.jsonrpc == "2.0"
            && call.input_responses.is_none()
            && call.request_state.is_none()
            && call.arguments.is_none_or(|arguments| arguments.get().starts_with('{'));
        if !fits {
            return None;
        }
        let meta: RequestMetaObject = serde_json::from_str(call.meta?.get()).ok()?;
        let declared = meta.protocol_version()? == version && meta.client_capabilities().is_some();
        // Without these two a tool has nothing to say while it runs.
        let listens = meta.get_progress_token().is_some() || meta.log_level().is_some();
        let speaks = tool.built.needs.iter().any(|need| matches!(need, Need::Context));
        if !declared || (speaks && listens) {
            return None;
        }
        let id = serde_json::from_str(envelope.id?.get()).ok()?;
        let params = CallToolRequestParams::new(call.name.clone().into_owned());
        Some(QuickCall { id, params, meta })
    }

    pub(super) async fn answer(
        &self,
        dispatch: &Dispatch,
        tool: &Served,
        call: QuickCall,
        parts: Parts,
    ) -> Response {
        let mut context = RequestContext::new(call.id.clone(), self.peer.clone());
        context.meta = call.meta;
        context.extensions.insert(parts);
        // Whoever leaves lets go of this future, and so cancels the call.
        let gone = context.ct.clone().drop_guard();
        let outcome = dispatch.call(tool, call.params, context).await;
        gone.disarm();
        let (status, message) = match outcome {
            Ok(response) => {
                let result = ServerResult::from(response);
                (StatusCode::OK, ServerJsonRpcMessage::response(result, call.id))
            }
            Err(error) => {
                let status = if error.code == ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY {
                    StatusCode::BAD_REQUEST
                } else {
                    StatusCode::OK
                };
                (status, ServerJsonRpcMessage::error(error, Some(call.id)))
            }
        };
        (status, axum::Json(message)).into_response()
    }
}

/// The header's value, if it is there once and is text.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn accepts_both(accept: &str) -> bool {
    accept.contains("application/json") && accept.contains("text/event-stream")
}
