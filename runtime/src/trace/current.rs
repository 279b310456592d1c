//! Span of a task, for what nothing can be given to: the methods of a store.

use super::span::Span;

tokio::task_local! {
    static CURRENT: Span;
}

/// Does something for the call, the refresh or the consent of `span`. What it does in a task of its own
/// does not count.
///
/// It costs a comparison where no observer wants the traces of requests.
pub(crate) async fn within<T>(span: &Span, doing: impl Future<Output = T>) -> T {
    if span.is_in_trace() { CURRENT.scope(span.clone(), doing).await } else { doing.await }
}

/// A new span that the one of this task caused, if there is one in a trace.
pub(crate) fn child_of_current() -> Option<Span> {
    CURRENT.try_with(Span::child).ok()
}
