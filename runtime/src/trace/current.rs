//! Span of the current task, for code that cannot be given a span: the methods of a store.

use super::span::Span;

tokio::task_local! {
    static CURRENT: Span;
}

/// Runs a future for the call, the refresh or the consent of `span`. Tasks that it spawns do not
/// inherit the span.
///
/// Without an observer that wants the traces of requests, this costs one comparison.
pub(crate) async fn within<T>(span: &Span, doing: impl Future<Output = T>) -> T {
    if span.is_in_trace() { CURRENT.scope(span.clone(), doing).await } else { doing.await }
}

/// A new span that the one of this task caused, if there is one in a trace.
pub(crate) fn child_of_current() -> Option<Span> {
    CURRENT.try_with(Span::child).ok()
}
