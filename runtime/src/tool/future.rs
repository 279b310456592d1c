//! The future of a tool's call.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{
    Tool,
    outcome::{ToolOutput, ToolResult},
};

/// A running call of a tool.
pub struct ToolFuture(Pin<Box<dyn Future<Output = ToolResult> + Send>>);

impl ToolFuture {
    /// Boxes the future that the function of the tool `T` returned.
    pub fn new<T: Tool>(function: impl Future<Output = T::Output> + Send + 'static) -> Self {
        Self(Box::pin(MapOutcome { function }))
    }
}

impl Future for ToolFuture {
    type Output = ToolResult;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ToolResult> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for ToolFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolFuture").finish_non_exhaustive()
    }
}

pin_project! {
    // Every tool has its own instance: an `async` block would be larger, and `Map` more code.
    struct MapOutcome<F> {
        #[pin]
        function: F,
    }
}

impl<F: Future<Output: ToolOutput>> Future for MapOutcome<F> {
    type Output = ToolResult;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ToolResult> {
        self.project().function.poll(context).map(ToolOutput::into_call_result)
    }
}
