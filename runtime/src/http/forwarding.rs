//! Requests that come through a trusted proxy, as the clients sent them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::request::Parts;
use url::Url;

use super::peer::Peer;
use crate::{
    gate::{ForwardedRequest, PeerAddress},
    support::{escape::escape, forwarded::TrustedProxies},
};

/// The trusted proxies of a server, and the URL at which they should serve it.
pub(crate) struct Forwarding {
    proxies: TrustedProxies,
    url: Url,
    has_warned: AtomicBool,
}

impl Forwarding {
    /// `None` if no proxy is trusted.
    pub(crate) fn new(proxies: TrustedProxies, url: Url) -> Option<Arc<Self>> {
        let has_warned = AtomicBool::new(false);
        (!proxies.is_empty()).then(|| Arc::new(Self { proxies, url, has_warned }))
    }

    /// Puts the client's address into the extensions of a request, if a trusted proxy names it.
    pub(super) fn apply(&self, parts: &mut Parts, peer: Option<SocketAddr>) {
        // A layer of the application may know better.
        let is_known = parts.extensions.get::<PeerAddress>().is_some();
        let Some(peer) = peer.filter(|_| !is_known) else { return };
        let Some(request) = self.proxies.read(peer.ip(), &parts.headers) else { return };
        self.compare(&request);
        parts.extensions.insert(PeerAddress(request.client));
        parts.extensions.insert(request);
    }

    /// Warns once if a proxy serves this server elsewhere than its links lead to.
    fn compare(&self, request: &ForwardedRequest) {
        let proto = request.proto.as_deref().unwrap_or(self.url.scheme());
        let host = request.host.as_deref().unwrap_or(self.url.authority());
        let prefix = request.prefix.as_deref().unwrap_or(self.url.path().trim_end_matches('/'));
        let served = Url::parse(&format!("{proto}://{host}{prefix}/"));
        let own = self.url.as_str().trim_end_matches('/');
        let is_own = served.is_ok_and(|served| served.as_str().trim_end_matches('/') == own);
        if !is_own && !self.has_warned.swap(true, Relaxed) {
            let served = format!("{proto}://{host}{prefix}");
            tracing::warn!(
                target: "toolgate::server",
                served = &*escape(&served),
                configured = own,
                "a proxy serves this server at a URL that is not the configured one, to which its links and its metadata lead",
            );
        }
    }
}

/// The middleware, for a router that another listener serves.
pub(crate) async fn middleware(
    State(forwarding): State<Arc<Forwarding>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let peer = Peer::from_extensions(&parts.extensions);
    forwarding.apply(&mut parts, peer.address);
    next.run(Request::from_parts(parts, body)).await
}
