//! Servers: tools, providers and a store, over HTTP or standard input and output.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod admin;
pub(crate) mod app;
pub(crate) mod args;
pub(crate) mod audit;
pub(crate) mod audit_config;
pub(crate) mod auth_setup;
#[cfg(feature = "broker")]
pub(crate) mod broker_routes;
pub(crate) mod browser_identity;
pub(crate) mod build;
pub(crate) mod builder;
pub(crate) mod command_line;
mod core_dumps;
mod dependencies;
pub(crate) mod describe;
#[cfg(feature = "dev")]
pub(crate) mod dev;
pub(crate) mod dev_channel;
pub(crate) mod drain;
pub(crate) mod drain_limits;
pub(crate) mod inherited;
#[cfg(feature = "inspector")]
pub(crate) mod inspection;
mod json_log;
mod management;
pub(crate) mod mounted_transports;
mod notify;
#[cfg(feature = "inspector")]
pub(crate) mod offer;
mod open_files;
pub(crate) mod output;
pub(crate) mod overrides;
mod presentation;
mod print_config;
pub(crate) mod router;
pub(crate) mod run;
pub(crate) mod run_http;
mod signals;
mod stores;
mod token_exchange;
#[cfg(any(feature = "sse", feature = "websocket"))]
pub(crate) mod transport_options;
pub(crate) mod transports;
mod tunnel;
mod usage;

pub use self::{
    app::App,
    builder::Server,
    describe::{Description, ToolDescription, ToolTypes},
};
pub use crate::http::ToolgateService;
pub use crate::mcp::{fallback::NoFallback, handler::Handler};
