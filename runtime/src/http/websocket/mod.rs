//! MCP over WebSocket (RFC 6455): one JSON-RPC message is one text frame.
//!
//! The token comes with the upgrade, in `Authorization` alone, and is verified again with every message.

mod close;
mod socket;
mod upgrade;

pub(crate) use self::upgrade::{PATHS, routes};
