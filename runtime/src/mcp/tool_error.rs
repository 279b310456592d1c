//! Tool errors: results with `isError`, which the model reads.

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};

use crate::error::{Error, ErrorKind};

/// Logs `error` and turns it into a result with `isError`. The log gets the source, the model only the
/// message.
pub(crate) fn error_result(error: &Error) -> CallToolResponse {
    match (error.kind(), error.report()) {
        // The message holds a link that only the caller may open, so it is not logged.
        (ErrorKind::ConsentNeeded { provider }, _) => {
            tracing::info!(target: "toolgate::call", provider, "the user is asked to connect");
        }
        (ErrorKind::Internal, source) => {
            tracing::error!(target: "toolgate::call", source = source.unwrap_or_default(), "{error}");
        }
        (kind, Some(source)) => tracing::warn!(target: "toolgate::call", ?kind, source, "{error}"),
        (kind, None) => tracing::info!(target: "toolgate::call", ?kind, "{error}"),
    }
    CallToolResult::error(vec![ContentBlock::text(error.message())]).into()
}
