//! Events of requests other than calls of the server's own tools.

use std::time::Instant;

use rmcp::ErrorData;

use crate::trace::{EventKind, Operation, OperationOutcome, Span, ms_since};

/// The record of a request under way. It is reported when it is dropped, so also when the client
/// leaves. Without an observer it is empty.
#[derive(Default)]
pub(super) struct OperationRecord(Option<Running>);

struct Running {
    span: Span,
    operation: Operation,
    started: Option<Instant>,
    outcome: OperationOutcome,
    code: Option<i32>,
}

impl OperationRecord {
    pub(super) fn of(span: Span, operation: Operation) -> Self {
        if !span.is_observed() {
            return Self(None);
        }
        let (started, outcome) = (span.now(), OperationOutcome::Left);
        Self(Some(Running { span, operation, started, outcome, code: None }))
    }

    /// Reports the end of the request, with its error if it has one.
    pub(super) fn end(mut self, error: Option<&ErrorData>) {
        if let Some(running) = &mut self.0 {
            let ended =
                if error.is_some() { OperationOutcome::Failed } else { OperationOutcome::Done };
            (running.outcome, running.code) = (ended, error.map(|error| error.code.0));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Self { operation, outcome, code, .. } = *self;
        let ms = ms_since(self.started);
        self.span.emit(|| EventKind::OperationEnded { operation, outcome, code, ms });
    }
}
