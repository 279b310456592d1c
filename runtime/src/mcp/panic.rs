//! A panic ends one request, and in words.
//!
//! A tool's own is made an error of the tool where it runs. This is for what runs beside it: the
//! decoding of an argument, a handler of the user's own.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt;
use rmcp::ErrorData;

/// What the client is told.
pub(crate) const WORDS: &str = "the server failed at this request; its log says why";

/// Something panicked, and the log says so.
pub(crate) struct Panicked;

/// What `decide` says, unless it panics.
pub(crate) fn caught_now<T>(decide: impl FnOnce() -> T) -> Result<T, Panicked> {
    std::panic::catch_unwind(AssertUnwindSafe(decide)).map_err(|panic| logged(&*panic))
}

/// The outcome of `request`, unless it panics.
pub(crate) async fn caught<T>(request: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(request).catch_unwind().await.map_err(|panic| logged(&*panic))
}

fn logged(panic: &(dyn Any + Send)) -> Panicked {
    tracing::error!(target: "toolgate::call", "a request panicked: {}", text(panic));
    Panicked
}

/// As [`caught`], for what rmcp would leave unanswered.
pub(crate) async fn answered<T>(
    request: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let outcome = caught(request).await;
    outcome.unwrap_or_else(|Panicked| Err(ErrorData::internal_error(WORDS, None)))
}

/// What a panic says, if it says something.
pub(crate) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}
