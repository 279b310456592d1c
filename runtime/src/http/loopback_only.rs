//! Middleware that refuses requests from other machines, with a JSON-RPC error.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri};

use super::{peer::Peer, rejection::Rejection};
use crate::browser::local_request::{self, NotLocal};

/// The middleware, for a router.
pub(crate) async fn middleware(request: Request, next: Next) -> Response {
    let peer = Peer::from_extensions(request.extensions());
    match check(peer, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(rejection) => rejection.into_response(),
    }
}

/// Checks that the peer, the `Host` and the `Origin` are of this machine.
pub(crate) fn check(peer: Peer<'_>, headers: &HeaderMap, uri: &Uri) -> Result<(), Rejection> {
    local_request::check(peer.address, headers, uri).map_err(|error| {
        tracing::warn!(target: "toolgate::gate", reason = error.reason(), "a request was refused");
        match error {
            NotLocal::UnknownPeer => Rejection::unknown_peer(error.reason()),
            NotLocal::Forbidden(reason) => Rejection::forbidden(reason),
        }
    })
}
