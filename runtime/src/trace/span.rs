//! Spans: what events belong to, and the way from there to the observers.
//!
//! A span is passed on as a value, also into tasks. Without an observer it is empty, and what an
//! event would have is not computed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use http::{Extensions, HeaderMap};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    context::TraceContext,
    event::{Event, Values, ValuesKind},
    id::SpanId,
    kind::EventKind,
    observer::Observer,
};
use crate::support::crypto::fill_random;

/// The observers of a server. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Arc<Sink>>);

struct Sink {
    observers: Vec<Arc<dyn Observer>>,
    /// Those that get values.
    of_values: Vec<Arc<dyn Observer>>,
    /// Whether one wants the trace context of requests.
    propagates: bool,
    started: Instant,
    next_event: AtomicU64,
    next_span: AtomicU64,
}

/// What events belong to: a request, a consent, a refresh, an authorization.
#[derive(Clone, Default)]
pub(crate) struct Span(Option<ActiveSpan>);

/// The span of a request that has not begun. It is taken once: the messages of one connection have
/// its extensions in common.
#[cfg(feature = "inspector")]
#[derive(Clone)]
struct AnnouncedSpan(Span);

#[derive(Clone)]
struct ActiveSpan {
    sink: Arc<Sink>,
    id: SpanId,
    parent: Option<SpanId>,
    /// The trace that it belongs to, where an observer wants it.
    context: Option<Arc<TraceContext>>,
}

impl Tracer {
    /// Whether there is an observer.
    pub(crate) fn is_observed(&self) -> bool {
        self.0.is_some()
    }

    /// Whether an observer wants the trace context of requests.
    pub(crate) fn propagates(&self) -> bool {
        self.0.as_ref().is_some_and(|sink| sink.propagates)
    }

    #[cfg(test)]
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>, is_development: bool) -> Self {
        Self::since(Instant::now(), observers, is_development)
    }

    /// The tracer of events whose times begin at `started`. `is_development`: whether observers may
    /// get values.
    pub(crate) fn since(
        started: Instant,
        observers: Vec<Arc<dyn Observer>>,
        is_development: bool,
    ) -> Self {
        if observers.is_empty() {
            return Self(None);
        }
        let wanted = observers.iter().filter(|observer| is_development && observer.wants_values());
        let mut start = [0; 8];
        fill_random(&mut start);
        Self(Some(Arc::new(Sink {
            of_values: wanted.cloned().collect(),
            propagates: observers.iter().map(AsRef::as_ref).any(Observer::wants_trace_context),
            observers,
            started,
            next_event: AtomicU64::new(1),
            next_span: AtomicU64::new(u64::from_be_bytes(start)),
        })))
    }

    /// The time, if there is an observer that it matters to.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.is_observed().then(Instant::now)
    }

    /// A new span, which nothing caused.
    pub(crate) fn span(&self) -> Span {
        self.0.as_ref().map(|sink| sink.span(None, None)).unwrap_or_default()
    }

    /// The span of what a secret stands for, such as a link or a code.
    pub(crate) fn span_of(&self, secret: &str) -> Span {
        let Some(sink) = &self.0 else { return Span(None) };
        let (sink, id) = (Arc::clone(sink), SpanId::of_secret(secret));
        Span(Some(ActiveSpan { sink, id, parent: None, context: None }))
    }

    /// The number of the next event.
    #[cfg(feature = "inspector")]
    pub(crate) fn next_event(&self) -> u64 {
        self.0.as_ref().map_or(1, |sink| sink.next_event.load(Ordering::Relaxed))
    }

    /// Goes on with this number, after the events of another program.
    #[cfg(feature = "inspector")]
    pub(crate) fn continue_at(&self, next: u64) {
        if let Some(sink) = &self.0 {
            sink.next_event.fetch_max(next, Ordering::Relaxed);
        }
    }

    /// When the server was built, from which on events have their times.
    #[cfg(feature = "inspector")]
    pub(crate) fn started(&self) -> Option<Instant> {
        self.0.as_ref().map(|sink| sink.started)
    }

    /// Begins the span of a request, in whose extensions it is from then on.
    pub(crate) fn begin(&self, extensions: &mut Extensions) -> Span {
        if self.0.is_none() {
            return Span(None);
        }
        #[cfg(feature = "inspector")]
        let announced = extensions.remove::<AnnouncedSpan>().map(|AnnouncedSpan(span)| span);
        #[cfg(not(feature = "inspector"))]
        let announced: Option<Span> = None;
        let span = announced.unwrap_or_else(|| self.span());
        extensions.insert(span.clone());
        span
    }

    /// The span that the request with these extensions will have, once it begins.
    #[cfg(feature = "inspector")]
    pub(crate) fn announce(&self, extensions: &mut Extensions) -> Span {
        let span = self.span();
        if span.is_observed() {
            extensions.insert(AnnouncedSpan(span.clone()));
        }
        span
    }

    /// The span of the request with these extensions. A request of which none was begun gets one for
    /// each event.
    pub(crate) fn of(&self, extensions: &Extensions) -> Span {
        if !self.is_observed() {
            return Span(None);
        }
        extensions.get().cloned().unwrap_or_else(|| self.span())
    }
}

impl Sink {
    fn span(self: &Arc<Self>, parent: Option<SpanId>, context: Option<Arc<TraceContext>>) -> Span {
        Span(Some(ActiveSpan { sink: Arc::clone(self), id: self.next_id(), parent, context }))
    }

    fn next_id(&self) -> SpanId {
        SpanId::new(self.next_span.fetch_add(1, Ordering::Relaxed))
    }
}

impl Span {
    /// Whether there is an observer.
    pub(crate) fn is_observed(&self) -> bool {
        self.0.is_some()
    }

    /// A new span that this one caused.
    pub(crate) fn child(&self) -> Self {
        let child = self.0.as_ref().map(|span| span.sink.span(Some(span.id), span.context.clone()));
        child.unwrap_or_default()
    }

    /// The same span in a trace that begins or goes on here, if an observer wants to know it.
    pub(crate) fn traced(mut self, context: impl FnOnce() -> TraceContext) -> Self {
        if let Some(span) = &mut self.0
            && span.sink.propagates
        {
            span.context = Some(Arc::new(context()));
        }
        self
    }

    /// Whether it belongs to a trace that an observer wants.
    pub(crate) fn is_in_trace(&self) -> bool {
        self.0.as_ref().is_some_and(|span| span.context.is_some())
    }

    /// The `traceparent` of what this span causes later, also in another process.
    pub(crate) fn trace_parent(&self) -> Option<String> {
        let span = self.0.as_ref()?;
        Some(span.context.as_ref()?.trace_parent(span.id))
    }

    /// The same span in the trace of what caused it, of which this is the
    /// [`trace_parent`](Self::trace_parent).
    pub(crate) fn continues(mut self, trace_parent: &str) -> Self {
        if let Some(span) = &mut self.0
            && span.sink.propagates
            && let Some((context, cause)) = TraceContext::continued(trace_parent)
        {
            span.context = Some(Arc::new(context));
            span.parent = Some(cause);
        }
        self
    }

    /// Puts the span into the trace that its message names.
    pub(crate) fn adopt(&mut self, body: &[u8]) {
        if let Some(context) = self.0.as_mut().and_then(|span| span.context.as_mut()) {
            *context = Arc::new(TraceContext::clone(context).of_message(body));
        }
    }

    /// Adds the headers by which a request to another server belongs to the same trace, and returns
    /// the identifier of the request's own span.
    pub(crate) fn propagate(&self, headers: &mut HeaderMap) -> Option<SpanId> {
        let span = self.0.as_ref()?;
        let context = span.context.as_ref()?;
        let id = span.sink.next_id();
        context.propagate(id, headers);
        Some(id)
    }

    /// The identifier; `None` without an observer.
    pub(crate) fn id(&self) -> Option<SpanId> {
        self.0.as_ref().map(|span| span.id)
    }

    /// The time, if there is an observer that it matters to.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.is_observed().then(Instant::now)
    }

    /// The same span as one that `parent` caused.
    pub(crate) fn caused_by(mut self, parent: Option<SpanId>) -> Self {
        if let Some(span) = &mut self.0 {
            span.parent = parent;
        }
        self
    }

    /// Sends an event to the observers, if there are any.
    pub(crate) fn emit<'e>(&self, kind: impl FnOnce() -> EventKind<'e>) {
        if let Some(span) = &self.0 {
            span.send(kind());
        }
    }

    /// Sends values to the observers that may get them.
    pub(crate) fn emit_values(&self, kind: ValuesKind, value: &(impl Serialize + ?Sized)) {
        if let Some(span) = &self.0
            && !span.sink.of_values.is_empty()
            && let Ok(json) = to_raw_value(value)
        {
            span.send_values(kind, &json);
        }
    }
}

impl ActiveSpan {
    fn send(&self, kind: EventKind<'_>) {
        let sink = &*self.sink;
        let event = Event {
            id: sink.next_event.fetch_add(1, Ordering::Relaxed),
            span: self.id,
            parent: self.parent,
            at: sink.started.elapsed(),
            trace: self.context.as_deref(),
            kind,
        };
        for observer in &sink.observers {
            guard(|| observer.on_event(&event));
        }
    }

    #[cold]
    fn send_values(&self, kind: ValuesKind, json: &RawValue) {
        let at = self.sink.started.elapsed();
        let values = Values { span: self.id, at, kind, json };
        for observer in &self.sink.of_values {
            guard(|| observer.on_values(&values));
        }
    }
}

/// A fault of an observer is none of the request.
fn guard(observe: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(observe)).is_err() {
        tracing::error!(target: "toolgate::trace", "an observer panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Recorder {
        seen: Mutex<Vec<String>>,
        wants: bool,
    }

    impl Observer for Recorder {
        fn on_event(&self, event: &Event<'_>) {
            self.seen.lock().unwrap().push(serde_json::to_string(event).unwrap());
        }

        fn wants_values(&self) -> bool {
            self.wants
        }

        fn on_values(&self, values: &Values<'_>) {
            self.seen.lock().unwrap().push(serde_json::to_string(values).unwrap());
        }
    }

    struct Faulty;

    impl Observer for Faulty {
        fn on_event(&self, _: &Event<'_>) {
            panic!("an observer fails");
        }
    }

    fn tracer(recorder: &Arc<Recorder>, is_development: bool) -> Tracer {
        let recorder: Arc<dyn Observer> = Arc::<Recorder>::clone(recorder);
        Tracer::new(vec![Arc::new(Faulty), recorder], is_development)
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let recorder = Arc::new(Recorder::default());
        let tracer = tracer(&recorder, false);
        let parent = tracer.span();
        let child = parent.child();
        child.emit(|| EventKind::ToolCalled { tool: "add" });
        let seen = recorder.seen.lock().unwrap();
        let event: serde_json::Value = serde_json::from_str(&seen[0]).unwrap();
        assert_eq!(event["id"], 1);
        assert_eq!(event["event"], "tool_called");
        assert_eq!(event["tool"], "add");
        assert!(event["at_us"].is_u64());
        assert_eq!(event["span"], child.id().unwrap().to_string());
        assert_eq!(event["parent"], parent.id().unwrap().to_string());
    }

    #[test]
    fn values_are_for_those_that_want_them_in_development() {
        for (wants, is_development, expected) in
            [(true, true, 1), (false, true, 0), (true, false, 0)]
        {
            let recorder = Arc::new(Recorder { wants, ..Recorder::default() });
            let span = tracer(&recorder, is_development).span();
            span.emit_values(ValuesKind::Arguments, &serde_json::json!({ "a": 1 }));
            let seen = recorder.seen.lock().unwrap();
            assert_eq!(seen.len(), expected);
            assert!(
                seen.iter().all(|text| text.contains(r#""values":"arguments","json":{"a":1}"#))
            );
        }
    }

    #[cfg(feature = "inspector")]
    #[test]
    fn an_announced_span_is_that_of_one_request() {
        let tracer = tracer(&Arc::new(Recorder::default()), false);
        let mut extensions = Extensions::new();
        let announced = tracer.announce(&mut extensions).id();
        assert_eq!(tracer.begin(&mut extensions).id(), announced);
        assert_eq!(tracer.of(&extensions).id(), announced);
        assert_ne!(tracer.begin(&mut extensions).id(), announced);
    }

    #[test]
    fn without_an_observer_nothing_is_computed() {
        let tracer = Tracer::new(Vec::new(), true);
        tracer.span().emit(|| unreachable!("there is no observer"));
        assert!(tracer.span_of("a secret").id().is_none());
    }
}
