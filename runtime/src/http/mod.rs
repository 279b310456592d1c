//! MCP over streamable HTTP.

pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod cors;
pub(crate) mod endpoint;
pub(crate) mod fast_path;
pub(crate) mod headers;
pub(crate) mod listener;
pub(crate) mod local_clients;
pub(crate) mod loopback_only;
pub(crate) mod rejection;
pub(crate) mod service;
pub(crate) mod sessions;
