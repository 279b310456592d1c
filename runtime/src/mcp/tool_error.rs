//! Call errors: what ends a call before or instead of its result.

use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult, ContentBlock},
};

use crate::{
    error::{Error, ErrorKind},
    support::escape::{MAX_LOGGED_CHARS, escape_to},
};

/// Why a call has no result of its tool.
pub(crate) enum CallError {
    /// Answered by a result with `isError`, whose text the model reads.
    Tool(Error),
    /// Answered by a JSON-RPC error.
    Protocol(ErrorData),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Tool(error)
    }
}

impl From<ErrorData> for CallError {
    fn from(error: ErrorData) -> Self {
        Self::Protocol(error)
    }
}

impl CallError {
    /// The response to the client. An error of the tool is logged with its source, of which the
    /// client gets nothing.
    pub(crate) fn into_response(self) -> Result<CallToolResponse, ErrorData> {
        match self {
            Self::Tool(error) => {
                log(&error);
                Ok(CallToolResult::error(vec![ContentBlock::text(error.message())]).into())
            }
            Self::Protocol(error) => Err(error),
        }
    }
}

fn log(error: &Error) {
    // A message may repeat an argument, and a source what a provider said.
    let printable = |text: &str| escape_to(text, MAX_LOGGED_CHARS).into_owned();
    let (source, error_text) =
        (error.report().as_deref().map(printable), printable(error.log_message()));
    match (error.kind(), source) {
        // The message holds a link that only the caller may open, so it is not logged.
        (ErrorKind::ConsentNeeded { provider }, _) => {
            tracing::info!(target: "toolgate::call", provider, "the user is asked to connect");
        }
        (ErrorKind::Internal, source) => {
            tracing::error!(target: "toolgate::call", source = source.unwrap_or_default(), "{error_text}");
        }
        (kind, Some(source)) => {
            tracing::warn!(target: "toolgate::call", ?kind, source, "{error_text}");
        }
        (kind, None) => tracing::info!(target: "toolgate::call", ?kind, "{error_text}"),
    }
}
