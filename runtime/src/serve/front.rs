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
use http::Request;
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
    pub(super) async fn respond<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if self.straight && request.uri().path() == PATH {
            if self.local
                && let Err(refusal) = guard::admit(peer, request.headers(), request.uri())
            {
                return refusal;
            }
            return self.endpoint.respond(request, peer).await;
        }
        Box::pin(self.route(request.map(Body::new), peer)).await
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
        Box::pin(async move { Ok(front.respond(request, peer).await) })
    }
}
