//! MCP over HTTP: the listener, the endpoint of streamable HTTP and its fast path, WebSocket, and the
//! transport of 2024-11-05.

mod admission;
mod anonymous_streams;
mod body;
mod connections;
mod cors;
mod drain;
mod ended_sessions;
mod endpoint;
mod fast_path;
mod forwarding;
mod gated_listener;
mod handover;
mod headers;
mod keep_alive;
mod landing;
pub(crate) mod legacy_sse;
mod listener;
mod long_call;
mod loopback_only;
mod message_authorization;
#[cfg(any(feature = "sse", feature = "websocket"))]
mod message_connection;
mod negotiation;
mod path;
mod peer;
#[cfg(feature = "inspector")]
mod recording;
mod rejection;
mod response_hook;
mod router;
mod scope_check;
mod sdk;
mod sealed_session;
mod security_schemes;
mod service;
mod session_binding;
mod session_cache;
mod session_ids;
mod session_notices;
mod session_registry;
mod sessions;
mod traced;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

#[cfg(any(feature = "inspector", feature = "testing"))]
pub(crate) use self::gated_listener::RemoteAddress;
#[cfg(feature = "testing")]
pub(crate) use self::handover::relay;
#[cfg(any(feature = "sse", feature = "websocket"))]
pub(crate) use self::message_connection::MessageConnections;
pub use self::service::ToolgateService;
pub(crate) use self::{
    drain::{Drain, DrainPhase},
    endpoint::Endpoint,
    forwarding::Forwarding,
    gated_listener::GatedListener,
    handover::{Accepting, Handover},
    landing::{Connection, LandingPage},
    listener::listen,
    router::{landing_page, router},
    session_ids::SessionKeys,
};
#[cfg(feature = "inspector")]
pub(crate) use self::{
    path::PATH,
    peer::Peer,
    recording::{ExchangeRecorder, RecordedExchange},
};
