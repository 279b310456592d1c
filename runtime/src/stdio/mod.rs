//! MCP over standard input and output.

pub(crate) mod framing;
pub(crate) mod loopback;
pub(crate) mod transport;
