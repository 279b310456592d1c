//! Builder methods of the transports that are features.

use rmcp::ServerHandler;

use super::builder::Server;

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
