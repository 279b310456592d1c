//! What a connection speaks with: the endpoint at once, and the router for everything else.
//!
//! A router looks every path up and boxes every answer, which costs a call more than its tool does.

use std::{convert::Infallible, marker::PhantomData, net::SocketAddr, pin::Pin, sync::Arc, task};

use axum::{
    BoxError, Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Request, request::Parts};
use tower::{Service, ServiceExt};

use super::{
    endpoint::{Endpoint, PATH},
    loopback_only as guard,
};
use crate::gate::Memory;
use crate::mcp::fallback::NoFallback;

/// A server as a [`tower::Service`]: what [`App::into_router`](crate::server::App::into_router) gives,
/// without a router's detour for calls.
///
/// The peer is read from the extension [`ConnectInfo<SocketAddr>`](ConnectInfo).
pub struct ToolgateService<H = NoFallback>(Arc<Whole>, PhantomData<fn() -> H>);

struct Whole {
    endpoint: Arc<Endpoint>,
    router: Router,
    /// The endpoint needs nothing that the router puts around it.
    straight: bool,
    /// Only this machine may call.
    local: bool,
}

/// Where a request comes from.
#[derive(Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) peer: Option<SocketAddr>,
    /// What its connection remembers.
    pub(crate) memory: Option<&'a Memory>,
}

impl ToolgateService {
    /// `cors`: what pages of other origins may do is said by the router.
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        router: Router,
        (cors, local): (bool, bool),
    ) -> Self {
        Self(Arc::new(Whole { endpoint, router, straight: !cors, local }), PhantomData)
    }

    /// The same, of a server with a handler of this type.
    pub(crate) fn of<H>(self) -> ToolgateService<H> {
        ToolgateService(self.0, PhantomData)
    }
}

impl<H> ToolgateService<H> {
    pub(crate) fn into_router(self) -> Router {
        self.0.router.clone()
    }

    // In parts, so that the state of a call holds its request once.
    pub(crate) async fn respond<B>(&self, mut parts: Parts, body: B, from: Sender<'_>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let whole = &*self.0;
        if !whole.straight || parts.uri.path() != PATH {
            let request = Request::from_parts(parts, Body::new(body));
            return Box::pin(self.route(request, from.peer)).await;
        }
        if whole.local
            && let Err(rejection) = guard::check(from.peer, &parts.headers, &parts.uri)
        {
            return rejection.into_response();
        }
        whole.endpoint.respond(&mut parts, body, from).await
    }

    async fn route(&self, mut request: Request<Body>, peer: Option<SocketAddr>) -> Response {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.0.router.clone().oneshot(request).await.into_response()
    }
}

impl<H> Clone for ToolgateService<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<H> std::fmt::Debug for ToolgateService<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        let front = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
            Ok(front.respond(parts, body, Sender { peer, memory: None }).await)
        })
    }
}
