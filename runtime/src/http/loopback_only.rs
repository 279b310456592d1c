//! Refuses whoever is not at this machine, in words of JSON-RPC.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;

use super::{endpoint::rpc_error, local_clients as local};

pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    match admit(peer, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal,
    }
}

/// May this peer send requests with these headers? The answer that refuses it, if not.
#[allow(clippy::result_large_err, reason = "the error is the answer, made once")]
pub(crate) fn admit(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    uri: &http::Uri,
) -> Result<(), Response> {
    local::check(peer, headers, uri).map_err(|(status, reason)| {
        tracing::warn!(target: "toolgate::gate", reason, "a request was refused");
        rpc_error(status, -32600, reason)
    })
}
