//! Remote MCP servers, and the authorization servers that they name, as a client sees them.

pub(crate) mod challenge;
pub(crate) mod dev_token;
pub(crate) mod endpoint;
pub(crate) mod headless;
pub(crate) mod http;
pub(crate) mod mcp;
mod page;
pub(crate) mod pkce;
pub(crate) mod text;
pub(crate) mod well_known;
