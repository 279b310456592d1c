//! Panic handling: a panic ends one request, with an error to its client.
//!
//! The dispatch catches the panics of a tool. These functions are for all else that runs user code: the
//! decoder of an argument, the fallback handler.

use std::{any::Any, panic::AssertUnwindSafe};

use crate::support::escape::{MAX_LOGGED_CHARS, escape_to};
use futures::FutureExt;
use rmcp::ErrorData;

/// The message to the client.
pub(crate) const MESSAGE: &str = "the server failed at this request; its log says why";

/// A panic was caught and logged.
pub(crate) struct Panicked;

/// Calls `f`, and catches its panic.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    std::panic::catch_unwind(AssertUnwindSafe(f)).map_err(|panic| log(&*panic))
}

/// Awaits `future`, and catches its panic.
pub(crate) async fn catch_async<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| log(&*panic))
}

/// Awaits a request handler, and turns its panic into a JSON-RPC error: rmcp would send no response.
pub(crate) async fn catch_request<T>(
    request: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let outcome = catch_async(request).await;
    outcome.unwrap_or_else(|Panicked| Err(ErrorData::internal_error(MESSAGE, None)))
}

fn log(panic: &(dyn Any + Send)) -> Panicked {
    let message = escape_to(message(panic), MAX_LOGGED_CHARS);
    tracing::error!(target: "toolgate::call", "a request panicked: {message}");
    Panicked
}

/// The message of a panic, or an empty string if its payload is not one.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}
