//! Servers: tools, providers and a store, over HTTP or standard input and output.

pub(crate) mod app;
pub(crate) mod args;
pub(crate) mod auth_setup;
#[cfg(feature = "broker")]
pub(crate) mod broker_routes;
pub(crate) mod browser_identity;
pub(crate) mod build;
pub(crate) mod builder;
pub(crate) mod command_line;
pub(crate) mod describe;
#[cfg(feature = "dev")]
pub(crate) mod dev;
#[cfg(feature = "inspector")]
pub(crate) mod inspection;
pub(crate) mod mounted_transports;
#[cfg(feature = "inspector")]
pub(crate) mod offer;
pub(crate) mod output;
pub(crate) mod router;
pub(crate) mod run;
pub(crate) mod run_http;
mod token_exchange;
#[cfg(any(feature = "sse", feature = "websocket"))]
pub(crate) mod transport_options;
pub(crate) mod transports;
pub(crate) mod typescript;

pub use self::{
    app::App,
    builder::Server,
    describe::{Description, ToolDescription},
};
pub use crate::http::ToolgateService;
pub use crate::mcp::{fallback::NoFallback, handler::Handler};
