//! The fast path: plain calls and lists are answered without a service loop of rmcp.

pub(crate) mod call;
pub(crate) mod envelope;
pub(crate) mod list_cache;
pub(crate) mod params;
pub(crate) mod route;
pub(crate) mod strict_object;
