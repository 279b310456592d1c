//! What a connection speaks with: the endpoint at once, and the router for everything else.
//!
//! A router looks every path up and boxes every answer, which costs a call more than its tool does.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, task};

use axum::{
    BoxError, Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Request, request::Parts};
use rmcp::ServerHandler;
use tower::{Service, ServiceExt};

use super::{
    guard,
    http::{Endpoint, PATH},
};

/// A server as a [`tower::Service`]: what [`App::into_router`](super::App::into_router) gives,
/// without a router's detour for calls.
///
/// The peer is read from the extension [`ConnectInfo<SocketAddr>`](ConnectInfo).
pub struct Front<H: ServerHandler> {
    pub(super) endpoint: Arc<Endpoint<H>>,
    pub(super) router: Router,
    /// The endpoint needs nothing that the router puts around it.
    pub(super) straight: bool,
    /// Only this machine may call.
    pub(super) local: bool,
}

impl<H: ServerHandler> Front<H> {
    // In parts and by value, so that the state of a call holds its request once.
    pub(super) async fn respond<B>(
        self,
        (mut parts, body): (Parts, B),
        peer: Option<SocketAddr>,
    ) -> Result<Response, Infallible>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if !self.straight || parts.uri.path() != PATH {
            let request = Request::from_parts(parts, Body::new(body));
            return Ok(Box::pin(self.route(request, peer)).await);
        }
        if self.local
            && let Err(refusal) = guard::admit(peer, &parts.headers, &parts.uri)
        {
            return Ok(refusal);
        }
        Ok(self.endpoint.respond(&mut parts, body, peer).await)
    }

    async fn route(&self, mut request: Request<Body>, peer: Option<SocketAddr>) -> Response {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        self.router.clone().oneshot(request).await.into_response()
    }
}

impl<H: ServerHandler> Clone for Front<H> {
    fn clone(&self) -> Self {
        let (endpoint, router) = (Arc::clone(&self.endpoint), self.router.clone());
        Self { endpoint, router, straight: self.straight, local: self.local }
    }
}

impl<H: ServerHandler> std::fmt::Debug for Front<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

impl<H: ServerHandler, B> Service<Request<B>> for Front<H>
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
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        Box::pin(front.respond(request.into_parts(), peer))
    }
}
