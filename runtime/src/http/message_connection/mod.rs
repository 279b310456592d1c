//! Connections that carry messages: the part that WebSocket and the transport of 2024-11-05 share.
//!
//! Each message goes the way of a request at `/mcp`: it is parsed once, its caller is authorized, a
//! call takes a permit, and what it needs accompanies it to rmcp, whose service loop answers. There is
//! no status for a single message, so a refusal is its JSON-RPC response.

mod connection;
mod outgoing;
#[cfg(feature = "inspector")]
mod recording;
mod refusal;
mod registry;
mod requests;
mod transport;

#[cfg(feature = "websocket")]
pub(crate) use self::outgoing::WRITE_TIMEOUT;
#[cfg(feature = "sse")]
pub(crate) use self::registry::ConnectionPermit;
pub(crate) use self::{
    connection::{Ending, MessageConnection, ReceiveError},
    outgoing::Outgoing,
    registry::MessageConnections,
};
