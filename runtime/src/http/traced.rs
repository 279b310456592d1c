//! Events of a request over HTTP: its head, its message, and its refusal.

use std::time::Instant;

use axum::response::Response;
use http::{Extensions, request::Parts};

use super::{headers as names, rejection::Rejection};
use crate::{
    mcp::{message::Message, registry::ServedTool},
    trace::{
        EventKind, Found, Operation, OperationOutcome, RequestHeaders, Span, TraceContext, Tracer,
        Transport, ms_since,
    },
};

/// Begins the span of a request.
pub(super) fn begin(tracer: &Tracer, parts: &mut Parts) -> Span {
    let mut span = tracer.begin(&mut parts.extensions);
    if tracer.propagates() {
        span = span.traced(|| TraceContext::of_headers(Some(&parts.headers)));
        parts.extensions.insert(span.clone());
    }
    span.emit(|| EventKind::RequestReceived {
        transport: Transport::Http,
        http_method: Some(Found::new(parts.method.as_str())),
        headers: Some(RequestHeaders::of(&parts.headers)),
    });
    span
}

/// Reports the message of a request.
pub(super) fn message_read(
    tracer: &Tracer,
    (parts, message, body): (&mut Parts, &Message<'_>, &[u8]),
    tool: Option<&ServedTool>,
) {
    if tracer.propagates()
        && let Some(span) = parts.extensions.get_mut::<Span>()
    {
        span.adopt(body);
    }
    tracer.of(&parts.extensions).emit(|| {
        let version = parts.headers.get(&names::VERSION).and_then(|version| version.to_str().ok());
        EventKind::MessageRead {
            method: Found::new(message.method()),
            tool: tool.map(|tool| tool.registered.name),
            era: version.map(Found::new),
        }
    });
}

/// Reports a request that was answered at once, since `began`, and returns the response.
pub(super) fn answered(
    (tracer, extensions): (&Tracer, &Extensions),
    operation: Operation,
    began: Option<Instant>,
    response: Response,
) -> Response {
    tracer.of(extensions).emit(|| EventKind::OperationEnded {
        operation,
        outcome: OperationOutcome::Done,
        code: None,
        ms: ms_since(began),
    });
    response
}

impl Rejection {
    /// The same rejection, after it was reported to observers, unless the gate has done so.
    pub(super) fn traced(self, span: &Span) -> Self {
        if let Some(reason) = self.reason() {
            let (status, retry_after_s) = (self.status().as_u16(), self.retry_after());
            span.emit(|| EventKind::RequestRefused { reason, status, retry_after_s });
        }
        self
    }
}
