//! The peer of a connection.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::Extensions;

use super::session_cache::SessionCache;
use crate::gate::TokenCache;

/// What the requests of one connection find again.
#[derive(Default)]
pub(crate) struct ConnectionCaches {
    /// The last token that was verified.
    pub(crate) token: TokenCache,
    /// The last session that was opened.
    pub(crate) session: SessionCache,
}

/// The client that a request comes from, before it is authenticated.
#[derive(Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) address: Option<SocketAddr>,
    /// What the last request of this connection left for the next.
    pub(crate) caches: Option<&'a ConnectionCaches>,
}

impl Peer<'_> {
    /// The peer as a router or another listener reports it.
    pub(crate) fn from_extensions(extensions: &Extensions) -> Self {
        let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        Self { address, caches: None }
    }
}
