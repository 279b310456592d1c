//! The peer of a connection.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::Extensions;

use super::session_cache::SessionCache;
use crate::gate::TokenCache;

/// The client that a request comes from, before it is authenticated.
#[derive(Clone, Copy)]
pub(crate) struct Peer<'a> {
    pub(crate) address: Option<SocketAddr>,
    /// The last token that was verified on this connection.
    pub(crate) token_cache: Option<&'a TokenCache>,
    /// The last session that was opened on this connection.
    pub(crate) session_cache: Option<&'a SessionCache>,
}

impl Peer<'_> {
    /// The peer as a router or another listener reports it.
    pub(crate) fn from_extensions(extensions: &Extensions) -> Self {
        let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        Self { address, token_cache: None, session_cache: None }
    }
}
