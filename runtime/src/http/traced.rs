//! Events of a request over HTTP: its head, its message, and its refusal.

use http::request::Parts;

use super::{headers as names, rejection::Rejection};
use crate::{
    mcp::{message::Message, registry::ServedTool},
    trace::{EventKind, Found, RequestHeaders, Span, Tracer, Transport},
};

/// Begins the span of a request.
pub(super) fn begin(tracer: &Tracer, parts: &mut Parts) -> Span {
    let span = tracer.begin(&mut parts.extensions);
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
    (parts, message): (&Parts, &Message<'_>),
    tool: Option<&ServedTool>,
) {
    tracer.of(&parts.extensions).emit(|| {
        let version = parts.headers.get(&names::VERSION).and_then(|version| version.to_str().ok());
        EventKind::MessageRead {
            method: Found::new(message.method()),
            tool: tool.map(|tool| tool.registered.name),
            era: version.map(Found::new),
        }
    });
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
