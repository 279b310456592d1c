//! The server as a `tower::Service`: `/mcp` directly, all other paths through axum's router.
//!
//! A router looks up every path and boxes every response, which costs a call more than its tool.

use std::{convert::Infallible, fmt, marker::PhantomData, pin::Pin, sync::Arc, task};

use axum::{
    BoxError, Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
#[cfg(feature = "inspector")]
use futures::future::BoxFuture;
use http::{Request, request::Parts};
use tower::{Service, ServiceExt};

#[cfg(any(feature = "sse", feature = "websocket"))]
use super::message_connection::MessageConnections;
#[cfg(feature = "inspector")]
use super::recording::{ExchangeRecorder, Recording};
use super::{endpoint::Endpoint, forwarding::Forwarding, loopback_only, path::PATH, peer::Peer};
use crate::mcp::fallback::NoFallback;

/// A server as a [`tower::Service`]: the same as
/// [`App::into_router`](crate::server::App::into_router), with less work for each call.
///
/// Peers are read from the extension
/// [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo).
pub struct ToolgateService<H = NoFallback>(Arc<Shared>, PhantomData<fn() -> H>);

#[cfg_attr(feature = "inspector", derive(Clone))]
struct Shared {
    endpoint: Arc<Endpoint>,
    router: Router,
    /// The path of the server's URL, without a slash at its end.
    root: String,
    /// The router wraps the endpoint in a CORS layer, so the endpoint cannot answer directly.
    has_cors: bool,
    /// Only this machine may send requests.
    is_local: bool,
    forwarding: Option<Arc<Forwarding>>,
    /// The connections of the transports besides `/mcp`, if there are any.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    connections: Option<Arc<MessageConnections>>,
    #[cfg(feature = "websocket")]
    takes_upgrades: bool,
    #[cfg(feature = "inspector")]
    recorder: Option<Arc<dyn ExchangeRecorder>>,
}

impl ToolgateService {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        router: Router,
        (has_cors, is_local): (bool, bool),
        (root, forwarding): (&str, Option<Arc<Forwarding>>),
    ) -> Self {
        let root = root.to_owned();
        let shared = Shared {
            endpoint,
            router,
            root,
            has_cors,
            is_local,
            forwarding,
            #[cfg(any(feature = "sse", feature = "websocket"))]
            connections: None,
            #[cfg(feature = "websocket")]
            takes_upgrades: false,
            #[cfg(feature = "inspector")]
            recorder: None,
        };
        Self(Arc::new(shared), PhantomData)
    }

    /// The same service, whose exchanges are recorded.
    #[cfg(feature = "inspector")]
    pub(crate) fn recorded_by(&self, recorder: Arc<dyn ExchangeRecorder>) -> Self {
        #[cfg(any(feature = "sse", feature = "websocket"))]
        if let Some(connections) = &self.0.connections {
            connections.record_with(&recorder);
        }
        let shared = Shared { recorder: Some(recorder), ..(*self.0).clone() };
        Self(Arc::new(shared), PhantomData)
    }

    /// The same service with the connections of further transports, one of which may be WebSocket.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn with_connections(
        mut self,
        connections: Option<Arc<MessageConnections>>,
        #[cfg(feature = "websocket")] takes_upgrades: bool,
    ) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.connections = connections;
            #[cfg(feature = "websocket")]
            {
                shared.takes_upgrades = takes_upgrades;
            }
        }
        self
    }

    /// The same service, for the type of the fallback handler.
    pub(crate) fn with_fallback_type<H>(self) -> ToolgateService<H> {
        ToolgateService(self.0, PhantomData)
    }
}

impl<H> ToolgateService<H> {
    /// Whether a connection may become a WebSocket.
    #[cfg(feature = "websocket")]
    pub(crate) fn takes_upgrades(&self) -> bool {
        self.0.takes_upgrades
    }

    /// Waits until the connections of further transports have ended, after shutdown began.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) async fn connections_ended(&self) {
        if let Some(connections) = &self.0.connections {
            connections.ended().await;
        }
    }

    pub(crate) fn into_router(self) -> Router {
        self.0.router.clone()
    }

    // In parts, so that the future of a call holds the request once.
    pub(crate) async fn respond<B>(&self, mut parts: Parts, body: B, peer: Peer<'_>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let shared = &*self.0;
        #[cfg(feature = "inspector")]
        if let Some(recorder) = shared.recorder.as_ref().filter(|it| it.wants(parts.uri.path())) {
            return self.record(recorder, (parts, Body::new(body)), peer).await;
        }
        if let Some(forwarding) = &shared.forwarding {
            forwarding.apply(&mut parts, peer.address);
        }
        if shared.has_cors || !is_endpoint(parts.uri.path(), &shared.root) {
            let request = Request::from_parts(parts, Body::new(body));
            return Box::pin(self.route(request, peer)).await;
        }
        if shared.is_local
            && let Err(rejection) = loopback_only::check(peer, &parts.headers, &parts.uri)
        {
            return shared.endpoint.refuse(&mut parts, rejection);
        }
        shared.endpoint.respond(&mut parts, body, peer).await
    }

    /// Answers a request, and records both. Boxed, because it calls [`respond`](Self::respond).
    #[cfg(feature = "inspector")]
    fn record<'a>(
        &'a self,
        recorder: &'a Arc<dyn ExchangeRecorder>,
        (mut parts, body): (Parts, Body),
        peer: Peer<'a>,
    ) -> BoxFuture<'a, Response> {
        let shared = Shared { recorder: None, ..(*self.0).clone() };
        let service: ToolgateService = ToolgateService(Arc::new(shared), PhantomData);
        Box::pin(async move {
            let tracer = &service.0.endpoint.handler.dispatch.tracer;
            let span = tracer.announce(&mut parts.extensions).id();
            let (recording, body) = Recording::begin(recorder, (&parts, body), span);
            recording.hold_until_end(service.respond(parts, body, peer).await)
        })
    }

    async fn route(&self, mut request: Request<Body>, peer: Peer<'_>) -> Response {
        if let Some(address) = peer.address {
            request.extensions_mut().insert(ConnectInfo(address));
        }
        self.0.router.clone().oneshot(request).await.into_response()
    }
}

/// Whether the path is that of the endpoint, with or without `root` before it and a slash at its end.
fn is_endpoint(path: &str, root: &str) -> bool {
    let is_endpoint = |path: &str| path == PATH || path.strip_suffix('/') == Some(PATH);
    is_endpoint(path) || !root.is_empty() && path.strip_prefix(root).is_some_and(is_endpoint)
}

impl<H> Clone for ToolgateService<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<H> fmt::Debug for ToolgateService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolgateService").finish_non_exhaustive()
    }
}

impl<H: 'static, B> Service<Request<B>> for ToolgateService<H>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let peer = Peer::from_extensions(&parts.extensions);
            Ok(service.respond(parts, body, peer).await)
        })
    }
}
