//! Middleware that refuses requests from other machines, as JSON-RPC errors.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::HeaderMap;

use super::{local_clients, rejection::Rejection};

pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    match check(peer, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(rejection) => rejection.into_response(),
    }
}

/// Checks that the peer, the `Host` and the `Origin` are of this machine.
pub(crate) fn check(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), Rejection> {
    local_clients::check(peer, headers, uri).map_err(|(status, reason)| {
        tracing::warn!(target: "toolgate::gate", reason, "a request was refused");
        if status.is_server_error() {
            Rejection::unknown_peer(reason)
        } else {
            Rejection::forbidden(reason)
        }
    })
}
