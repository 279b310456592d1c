//! Log of what a server did, bounded, and its stream of server-sent events.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::trace::{Event, EventKind, Observer, Values};

/// The most events that are kept.
const MAX_EVENTS: usize = 4000;

/// The most exchanges that are kept.
const MAX_EXCHANGES: usize = 1000;

/// The most that all events, and that all exchanges take, in bytes.
const MAX_LOG_BYTES: usize = 8 << 20;

/// The largest values of a call that are kept, in bytes.
const MAX_VALUES_BYTES: usize = 256 << 10;

/// The most that is sent at once, unless one entry is larger.
const MAX_BATCH_BYTES: usize = 128 << 10;

/// How often a comment is sent where nothing else is.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The events, the exchanges, and who waits for more of them.
pub(crate) struct EventLog {
    kept: Mutex<Kept>,
    changes: watch::Sender<u64>,
}

struct Kept {
    /// The position of the next entry.
    next: u64,
    /// The last event of the trace.
    last_event: u64,
    /// How often what the page shows of the server has changed.
    state_changes: u64,
    events: Ring,
    exchanges: Ring,
}

/// The newest entries within the bounds.
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    max_entries: usize,
}

/// A block of server-sent events.
struct Entry {
    position: u64,
    /// The number of an event of the trace.
    event: Option<u64>,
    block: Bytes,
}

impl Ring {
    fn new(max_entries: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, max_entries }
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.block.len();
        self.entries.push_back(entry);
        while self.entries.len() > self.max_entries || self.bytes > MAX_LOG_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.block.len();
        }
    }

    /// The entries from `position` on.
    fn since(&self, position: u64) -> impl Iterator<Item = &Entry> {
        let from = self.entries.partition_point(|entry| entry.position < position);
        self.entries.range(from..)
    }
}

impl Default for EventLog {
    fn default() -> Self {
        let kept = Kept {
            next: 0,
            last_event: 0,
            state_changes: 0,
            events: Ring::new(MAX_EVENTS),
            exchanges: Ring::new(MAX_EXCHANGES),
        };
        Self { kept: Mutex::new(kept), changes: watch::Sender::new(0) }
    }
}

/// A block of the kind `event`, whose data is `json`: one line.
fn block(event: &str, id: Option<u64>, json: &str) -> Bytes {
    match id {
        Some(id) => format!("event: {event}\nid: {id}\ndata: {json}\n\n").into(),
        None => format!("event: {event}\ndata: {json}\n\n").into(),
    }
}

impl EventLog {
    /// Keeps an exchange.
    pub(super) fn add_exchange(&self, exchange: &impl Serialize) {
        if let Ok(json) = serde_json::to_string(exchange) {
            self.add(|kept| &mut kept.exchanges, None, block("exchange", None, &json));
        }
    }

    /// Keeps a finding about a widget.
    pub(super) fn add_widget_note(&self, note: &impl Serialize) {
        if let Ok(json) = serde_json::to_string(note) {
            self.add(|kept| &mut kept.events, None, block("widget", None, &json));
        }
    }

    /// Lets pages ask for the state again.
    pub(super) fn state_changed(&self) {
        self.kept().state_changes += 1;
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn add(&self, ring: impl FnOnce(&mut Kept) -> &mut Ring, event: Option<u64>, block: Bytes) {
        let mut kept = self.kept();
        let position = kept.next;
        kept.next += 1;
        kept.last_event = kept.last_event.max(event.unwrap_or(0));
        ring(&mut kept).push(Entry { position, event, block });
        drop(kept);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of a page that has the events up to `last_event`: `hello`, what is kept, and then
    /// what comes, until `shutdown`.
    pub(super) fn stream(
        self: &Arc<Self>,
        hello: &str,
        last_event: u64,
        shutdown: CancellationToken,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let kept = self.kept();
        // A number that this process has not reached is of another one.
        let after_event = if last_event > kept.last_event { 0 } else { last_event };
        let states_seen = kept.state_changes;
        drop(kept);
        let reader = Reader {
            log: Arc::clone(self),
            changes: self.changes.subscribe(),
            shutdown,
            hello: Some(block("hello", None, hello)),
            position: 0,
            after_event,
            states_seen,
        };
        stream::unfold(reader, Reader::next)
    }
}

/// The place of one page in the log.
struct Reader {
    log: Arc<EventLog>,
    changes: watch::Receiver<u64>,
    shutdown: CancellationToken,
    hello: Option<Bytes>,
    position: u64,
    after_event: u64,
    states_seen: u64,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(hello) = self.hello.take() {
            return Some((Ok(hello), self));
        }
        loop {
            self.changes.borrow_and_update();
            if let Some(batch) = self.read() {
                return Some((Ok(batch), self));
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = self.shutdown.cancelled() => return None,
                () = tokio::time::sleep(KEEP_ALIVE_INTERVAL) => {
                    return Some((Ok(Bytes::from_static(b":\n\n")), self));
                }
            }
        }
    }

    /// The next blocks, in the order in which they were kept.
    fn read(&mut self) -> Option<Bytes> {
        let kept = self.log.kept();
        let mut events = kept.events.since(self.position).peekable();
        let mut exchanges = kept.exchanges.since(self.position).peekable();
        let mut batch = Vec::new();
        let mut position = self.position;
        while batch.len() < MAX_BATCH_BYTES {
            let event_first = match (events.peek(), exchanges.peek()) {
                (Some(event), Some(exchange)) => event.position < exchange.position,
                (event, _) => event.is_some(),
            };
            let next = if event_first { events.next() } else { exchanges.next() };
            let Some(entry) = next else { break };
            position = entry.position + 1;
            if entry.event.is_none_or(|event| event > self.after_event) {
                batch.extend_from_slice(&entry.block);
            }
        }
        self.position = position;
        if kept.state_changes != self.states_seen {
            self.states_seen = kept.state_changes;
            batch.extend_from_slice(&block("state", None, "{}"));
        }
        (!batch.is_empty()).then(|| batch.into())
    }
}

impl Observer for EventLog {
    fn on_event(&self, event: &Event<'_>) {
        let Ok(json) = serde_json::to_string(event) else { return };
        let block = block("trace", Some(event.id), &json);
        self.add(|kept| &mut kept.events, Some(event.id), block);
        if changes_state(&event.kind) {
            self.state_changed();
        }
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn on_values(&self, values: &Values<'_>) {
        if values.json.get().len() > MAX_VALUES_BYTES {
            return;
        }
        if let Ok(json) = serde_json::to_string(values) {
            self.add(|kept| &mut kept.events, None, block("values", None, &json));
        }
    }
}

/// Whether the event changes what a person may do.
fn changes_state(kind: &EventKind<'_>) -> bool {
    matches!(
        kind,
        EventKind::GrantMade { .. }
            | EventKind::TokensIssued { .. }
            | EventKind::StepUpDecided { .. }
            | EventKind::AccountUse { .. }
            | EventKind::RefreshFailed { .. }
    )
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::trace::Tracer;

    /// What a page gets until it would wait.
    fn read(log: &Arc<EventLog>, last_event: u64) -> String {
        let stream = log.stream(r#"{"started_at":1}"#, last_event, CancellationToken::new());
        let mut stream = std::pin::pin!(stream);
        let mut text = String::new();
        while let Some(Some(Ok(batch))) = futures::FutureExt::now_or_never(stream.next()) {
            text.push_str(std::str::from_utf8(&batch).unwrap());
        }
        text
    }

    fn tracer(log: &Arc<EventLog>) -> Tracer {
        let observer: Arc<dyn Observer> = Arc::<EventLog>::clone(log);
        Tracer::new(vec![observer], false)
    }

    fn emit(tracer: &Tracer, count: usize) {
        for _ in 0..count {
            tracer.span().emit(|| EventKind::ToolCalled { tool: "add" });
        }
    }

    #[tokio::test]
    async fn a_page_gets_what_is_kept_in_its_order() {
        let log = Arc::new(EventLog::default());
        let tracer = tracer(&log);
        emit(&tracer, 1);
        log.add_exchange(&json!({ "id": 1 }));
        emit(&tracer, 1);
        let text = read(&log, 0);
        let kinds: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(kinds, ["hello", "trace", "exchange", "trace"]);
        assert!(text.contains("id: 2\ndata: {\"id\":2,"), "{text}");
    }

    #[tokio::test]
    async fn a_page_that_comes_back_gets_later_events() {
        let log = Arc::new(EventLog::default());
        let tracer = tracer(&log);
        emit(&tracer, 3);
        let count = |last| read(&log, last).matches("event: trace").count();
        assert_eq!(count(2), 1);
        assert_eq!(count(3), 0);
        assert_eq!(count(900), 3, "it is a number of another process");
    }

    #[tokio::test]
    async fn the_log_is_bounded() {
        let log = Arc::new(EventLog::default());
        let tracer = tracer(&log);
        emit(&tracer, MAX_EVENTS + 5);
        for id in 0..MAX_EXCHANGES + 5 {
            log.add_exchange(&json!({ "id": id }));
        }
        assert_eq!(log.kept().events.entries.len(), MAX_EVENTS);
        assert_eq!(log.kept().exchanges.entries.len(), MAX_EXCHANGES);
        let large = "x".repeat(1 << 20);
        for _ in 0..20 {
            log.add_exchange(&large);
        }
        assert!(log.kept().exchanges.bytes <= MAX_LOG_BYTES);
        assert_eq!(log.kept().exchanges.entries.len(), 7);
    }

    #[tokio::test]
    async fn a_change_of_the_state_is_reported_once_and_not_kept() {
        let log = Arc::new(EventLog::default());
        log.state_changed();
        assert!(!read(&log, 0).contains("event: state"));
        let stream = log.stream("{}", 0, CancellationToken::new());
        let mut stream = std::pin::pin!(stream);
        stream.next().await;
        log.state_changed();
        log.state_changed();
        let batch = stream.next().await.unwrap().unwrap();
        assert_eq!(batch, "event: state\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn the_stream_ends_with_the_server() {
        let log = Arc::new(EventLog::default());
        let shutdown = CancellationToken::new();
        let stream = log.stream("{}", 0, shutdown.clone());
        shutdown.cancel();
        assert_eq!(stream.count().await, 1, "only the greeting");
    }
}
