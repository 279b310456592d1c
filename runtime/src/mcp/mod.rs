//! Model Context Protocol: the server handler, the dispatch of tool calls, and widgets.

pub(crate) mod access_meta;
mod connection_errors;
pub(crate) mod connections;
pub(crate) mod consent_prompt;
pub(crate) mod dispatch;
pub(crate) mod elicitation;
pub(crate) mod exchanged_connections;
pub(crate) mod fallback;
mod grant_tokens;
pub(crate) mod handler;
pub(crate) mod message;
mod methods;
pub(crate) mod named_handler;
pub(crate) mod panic;
pub(crate) mod registry;
pub(crate) mod request;
#[cfg(any(feature = "inspector", feature = "testing"))]
pub(crate) mod saved_call;
pub(crate) mod server_info;
pub(crate) mod tool_changes;
pub(crate) mod tool_error;
mod traced;
pub(crate) mod transport;
pub(crate) mod widgets;
