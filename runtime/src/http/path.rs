//! The path of the endpoint.

/// Where clients send messages.
pub(crate) const PATH: &str = "/mcp";
