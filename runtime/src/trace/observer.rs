//! Observers of events.

use std::sync::Arc;

use super::event::{Event, Values};

/// Receives every event of a server. [`Server::observe`](crate::Server::observe) adds one.
///
/// It is called in the task of a request, so it must not block: count, or put the event into a
/// bounded channel. A panic is logged, and does not fail the request.
///
/// Events of concurrent tasks may come in another order than their [`id`](Event::id)s.
pub trait Observer: Send + Sync + 'static {
    /// Receives an event. `serde_json::to_string(event)` is a form of it that can be kept.
    fn on_event(&self, event: &Event<'_>);

    /// Returns whether it wants the values of calls, once, when the server is built. The default is
    /// `false`.
    ///
    /// # Security
    ///
    /// Values may be secret. They are available in development alone: in a build with debug
    /// assertions, of a server whose URL is of this machine. Otherwise
    /// [`on_values`](Self::on_values) is never called.
    fn wants_values(&self) -> bool {
        false
    }

    /// Returns whether it wants the [trace context](super::TraceContext) of requests, once, when the
    /// server is built. The default is `false`. Where an observer does, requests to the APIs of
    /// providers carry on the trace.
    fn wants_trace_context(&self) -> bool {
        false
    }

    /// Receives values of a call.
    fn on_values(&self, _values: &Values<'_>) {}
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn on_event(&self, event: &Event<'_>) {
        (**self).on_event(event);
    }

    fn wants_values(&self) -> bool {
        (**self).wants_values()
    }

    fn wants_trace_context(&self) -> bool {
        (**self).wants_trace_context()
    }

    fn on_values(&self, values: &Values<'_>) {
        (**self).on_values(values);
    }
}
