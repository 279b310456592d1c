//! Routes of the transports of a built server, and the connections that they share.

#[cfg(any(feature = "sse", feature = "websocket"))]
use std::sync::Arc;

use axum::Router;

use super::app::Assembled;
#[cfg(any(feature = "sse", feature = "websocket"))]
use crate::http::MessageConnections;
#[cfg(feature = "websocket")]
use crate::http::websocket;
use crate::http::{Endpoint, ToolgateService, legacy_sse};

/// The transports of a server that was built.
pub(crate) struct MountedTransports {
    pub(crate) routes: Router,
    /// `None` if all are off.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    connections: Option<Arc<MessageConnections>>,
    #[cfg(feature = "websocket")]
    takes_upgrades: bool,
}

impl MountedTransports {
    /// `answers_all_paths`: the paths are not among those of an application.
    pub(crate) fn new(server: &Assembled, endpoint: &Endpoint, answers_all_paths: bool) -> Self {
        let transports = server.transports;
        let mut routes = Router::new();
        if answers_all_paths && !transports.has_legacy_sse() {
            routes = routes.merge(legacy_sse::gone(&server.endpoint_url()));
        }
        #[cfg(any(feature = "sse", feature = "websocket"))]
        let connections = (!transports.endpoints().is_empty())
            .then(|| MessageConnections::new(endpoint, server.shutdown.clone()));
        #[cfg(feature = "sse")]
        if let Some(connections) = connections.as_ref().filter(|_| transports.legacy_sse) {
            let root = server.base.path().trim_end_matches('/');
            routes = routes.merge(legacy_sse::routes(connections, root));
        }
        #[cfg(feature = "websocket")]
        if let Some(connections) = connections.as_ref().filter(|_| transports.websocket) {
            routes = routes.merge(websocket::routes(connections));
        }
        #[cfg(not(any(feature = "sse", feature = "websocket")))]
        let _ = endpoint;
        Self {
            routes,
            #[cfg(any(feature = "sse", feature = "websocket"))]
            connections,
            #[cfg(feature = "websocket")]
            takes_upgrades: transports.websocket,
        }
    }

    /// The service that serves them as well.
    #[cfg_attr(
        not(any(feature = "sse", feature = "websocket")),
        expect(clippy::unused_self, reason = "they are features")
    )]
    pub(crate) fn extend(self, service: ToolgateService) -> ToolgateService {
        #[cfg(any(feature = "sse", feature = "websocket"))]
        let service = service.with_connections(
            self.connections,
            #[cfg(feature = "websocket")]
            self.takes_upgrades,
        );
        service
    }
}
