//! rmcp's service: the requests that it answers, handed on without their credentials.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, StatusCode, request::Parts};
use rmcp::{
    ServerHandler,
    model::{InitializeRequestParams, ProtocolVersion},
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{
    anonymous_streams::AnonymousStreams,
    body::{MAX_BODY_BYTES, is_json},
    headers as names,
    negotiation::Accepted,
    rejection::Rejection,
    response_hook::ResponseHook,
    sealed_session::Session,
    security_schemes,
    session_ids::SessionIds,
    sessions::{SealedSessionStore, Sessions, Starting},
};
use crate::{
    gate::{self, Claims, resource_server::principal},
    mcp::{
        fallback::ErasedHandler,
        handler::Handler,
        message::MessageError,
        named_handler::NamedHandler,
        panic,
        request::{Authenticated, LivePeers, SessionLink},
    },
};

/// rmcp's service, and the sessions that live in it.
pub(super) struct Sdk {
    handler: Handler<ErasedHandler>,
    service: StreamableHttpService<NamedHandler, Sessions>,
    sessions: Arc<Sessions>,
    pub(super) streams: Arc<AnonymousStreams>,
}

/// Where a request comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) address: Option<SocketAddr>,
    pub(super) caller: Option<&'a Claims>,
    pub(super) session: Option<&'a Arc<Session>>,
}

impl Sdk {
    pub(super) fn new(
        handler: &Handler<ErasedHandler>,
        sessions: Arc<Sessions>,
        shutdown: CancellationToken,
    ) -> Self {
        let mut config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_max_request_body_bytes(MAX_BODY_BYTES)
            .with_cancellation_token(shutdown);
        // The gate checks the `Host`, or `loopback_only` where there is no gate.
        config.allowed_hosts = Vec::new();
        config.session_store = Some(Arc::new(SealedSessionStore));
        let session_handler = NamedHandler(handler.clone());
        let service = StreamableHttpService::new(
            move || Ok(session_handler.clone()),
            Arc::clone(&sessions),
            config,
        );
        Self { handler: handler.clone(), service, sessions, streams: Arc::default() }
    }

    /// Whether the session has machinery in this process.
    pub(super) fn has(&self, session: &Session) -> bool {
        self.sessions.contains(&session.id)
    }

    /// Lets rmcp answer a message.
    pub(super) async fn call(
        &self,
        parts: &mut Parts,
        (origin, accepted): (Origin<'_>, Accepted),
        body: Bytes,
        ids: &SessionIds,
        hook: ResponseHook,
    ) -> Result<Response, Rejection> {
        let is_json = is_json(&parts.headers);
        let address = gate::client_ip_key(&parts.extensions, origin.address);
        let begins =
            hook == ResponseHook::OpenSession && !parts.headers.contains_key(&names::SESSION);
        let client = begins.then(|| self.client(&body)).flatten();
        let response = match client {
            // Boxed, so that the future of every request is not as large as these.
            Some(client) => {
                let id = ids.begin(origin.caller, address, client);
                let starting = Starting::new(id, (&principal(origin.caller), address), None);
                let request = self.hand_over(parts, origin, Body::from(body.clone()));
                Box::pin(self.sessions.start(starting, request))
                    .await
                    .map_err(|_| Rejection::too_many_sessions())?
            }
            None => self.forward(parts, origin, Body::from(body.clone())).await?,
        };
        if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            // rmcp answers so if it cannot read a message.
            let error = MessageError::of(&body);
            return Err(Rejection::invalid_message(error.code_and_message()));
        }
        let gate = self.handler.dispatch.resource_server.as_deref();
        let response = match hook {
            ResponseHook::LiftSecuritySchemes if gate.is_some() => {
                Box::pin(security_schemes::lift(response)).await
            }
            ResponseHook::EndWithToken => {
                self.streams.bound(gate, (address, origin.caller), response)?
            }
            _ => response,
        };
        Ok(Box::pin(accepted.convert(response)).await)
    }

    /// Lets rmcp answer a request without a message.
    pub(super) async fn call_without_message(
        &self,
        parts: &mut Parts,
        origin: Origin<'_>,
        body: Body,
    ) -> Result<Response, Rejection> {
        let address = gate::client_ip_key(&parts.extensions, origin.address);
        let response = if parts.method == Method::DELETE {
            // Nothing is restored to be ended.
            self.hand_over(parts, origin, body).await
        } else {
            self.forward(parts, origin, body).await?
        };
        let gate = self.handler.dispatch.resource_server.as_deref();
        self.streams.bound(gate, (address, origin.caller), response)
    }

    /// The client that begins, with the revision that it gets; `None` for rmcp to refuse.
    fn client(&self, body: &[u8]) -> Option<InitializeRequestParams> {
        #[derive(Deserialize)]
        struct WithParams {
            params: InitializeRequestParams,
        }
        let WithParams { params } = serde_json::from_slice(body).ok()?;
        let negotiated = panic::catch(|| self.handler.negotiate_initialize(&params));
        let version = match negotiated {
            Ok(Ok(result)) if result.protocol_version.has_initialize() => result.protocol_version,
            _ => ProtocolVersion::V_2025_11_25,
        };
        Some(params.with_protocol_version(version))
    }

    /// Hands a request on to rmcp, which restores its session if it does not live here.
    async fn forward(
        &self,
        parts: &mut Parts,
        origin: Origin<'_>,
        body: Body,
    ) -> Result<Response, Rejection> {
        let Some(session) = origin.session else {
            return Ok(self.hand_over(parts, origin, body).await);
        };
        let address = gate::client_ip_key(&parts.extensions, origin.address);
        let request = self.hand_over(parts, origin, body);
        let response = Box::pin(async {
            let _restoring = if self.sessions.contains(&session.id) {
                None
            } else {
                Some(self.sessions.restoring(session.key).await)
            };
            let client = Some(session.client.clone());
            let owner = (&*principal(origin.caller), address);
            let starting = Starting::new(Arc::clone(&session.id), owner, client);
            self.sessions.start(starting, request).await
        });
        response.await.map_err(|_| Rejection::too_many_sessions())
    }

    /// Hands a request on to rmcp, without its credentials, which nothing after the gate needs.
    // Boxed here, so that the future of rmcp's service is compiled once.
    fn hand_over<'a>(
        &'a self,
        parts: &mut Parts,
        origin: Origin<'_>,
        body: Body,
    ) -> BoxFuture<'a, Response> {
        let mut parts = std::mem::replace(parts, Request::new(()).into_parts().0);
        names::prepare(&mut parts, self.handler.dispatch.host());
        if let Some(address) = origin.address {
            parts.extensions.insert(ConnectInfo(address));
        }
        if let Some(session) = origin.session {
            let peers = Arc::clone(&self.sessions) as Arc<dyn LivePeers>;
            parts.extensions.insert(SessionLink { session: Arc::clone(&session.id), peers });
        }
        if self.handler.dispatch.resource_server.is_some() {
            parts.extensions.insert(Authenticated(origin.caller.cloned()));
        }
        let request = Request::from_parts(parts, body);
        Box::pin(async move { self.service.handle(request).await.into_response() })
    }
}
