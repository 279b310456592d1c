//! The transport of 2024-11-05: HTTP with server-sent events. A client opens a stream, whose first
//! event has the address for its messages, and gets the answers as events.
//!
//! The token is verified for the stream and for every message, and a stream takes messages of its owner
//! alone: the identifier in the URL is no credential.

#[cfg(feature = "sse")]
mod events;
mod gone;
#[cfg(feature = "sse")]
mod routes;
#[cfg(feature = "sse")]
mod sessions;

pub(crate) use self::gone::routes as gone;
#[cfg(feature = "sse")]
pub(crate) use self::routes::{PATHS, routes};

/// Where clients open a stream.
const SSE_PATH: &str = "/sse";
