//! Transports of a server besides streamable HTTP and standard input and output.

#[cfg(any(feature = "sse", feature = "websocket"))]
use std::sync::Arc;

use axum::Router;
#[cfg(any(feature = "sse", feature = "websocket"))]
use rmcp::ServerHandler;

use super::app::Assembled;
#[cfg(any(feature = "sse", feature = "websocket"))]
use super::builder::Server;
#[cfg(any(feature = "sse", feature = "websocket"))]
use crate::http::MessageConnections;
#[cfg(feature = "websocket")]
use crate::http::websocket;
use crate::{
    gate::other_endpoint::EndpointPaths,
    http::{Endpoint, ToolgateService, legacy_sse},
};

/// Which of them are served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transports {
    #[cfg(feature = "sse")]
    legacy_sse: bool,
    #[cfg(feature = "websocket")]
    websocket: bool,
}

impl Transports {
    /// Whether the transport of 2024-11-05 is served.
    #[cfg_attr(not(feature = "sse"), expect(clippy::unused_self, reason = "it is a feature"))]
    fn has_legacy_sse(self) -> bool {
        #[cfg(feature = "sse")]
        return self.legacy_sse;
        #[cfg(not(feature = "sse"))]
        false
    }

    /// Their endpoints, as the gate knows them.
    pub(crate) fn endpoints(self) -> Vec<EndpointPaths> {
        #[cfg_attr(not(any(feature = "sse", feature = "websocket")), expect(unused_mut))]
        let mut endpoints = Vec::new();
        #[cfg(feature = "sse")]
        if self.legacy_sse {
            endpoints.push(legacy_sse::PATHS);
        }
        #[cfg(feature = "websocket")]
        if self.websocket {
            endpoints.push(websocket::PATHS);
        }
        endpoints
    }
}

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

#[cfg(any(feature = "sse", feature = "websocket"))]
impl<H: ServerHandler> Server<H> {
    /// Serves the transport of 2024-11-05 as well, HTTP with server-sent events: a stream at `/sse`, and
    /// messages to it at `/messages`. It is for hosts that have no other; the default is that `/sse`
    /// answers with status 410 and the address of the endpoint.
    ///
    /// The token is verified for the stream and for every message, and a stream takes messages of its
    /// owner alone. The stream ends with the token, or with its sign-in. A proxy in front of several
    /// processes has to send the messages of a client to the process that has its stream.
    /// `docs/transports.md` says which transport to use.
    #[cfg(feature = "sse")]
    #[must_use]
    pub fn legacy_sse(mut self) -> Self {
        self.transports.legacy_sse = true;
        self
    }

    /// Serves MCP over WebSocket as well, at `/ws`: the subprotocol `mcp`, one JSON-RPC message a text
    /// frame, with what a session of 2025-11-25 can do.
    ///
    /// The token comes with the upgrade, in `Authorization` alone, and is verified again with every
    /// message. The connection is closed when the token, or its sign-in, ends. `docs/transports.md`
    /// says which transport to use, and has the close codes.
    ///
    /// With [`App::into_router`](super::App::into_router), the application's listener has to allow
    /// upgrades of HTTP/1.1, as `axum::serve` does.
    #[cfg(feature = "websocket")]
    #[must_use]
    pub fn websocket(mut self) -> Self {
        self.transports.websocket = true;
        self
    }
}
