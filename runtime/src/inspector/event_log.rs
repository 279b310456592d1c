//! Log of what a server did, bounded, and its stream of server-sent events.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::event_ring::{Entry, KeptEntry, Latest, Ring};
use crate::trace::{Event, EventKind, Observer, Values};

/// The most events that are kept.
const MAX_EVENTS: usize = 4000;

/// The most exchanges that are kept.
const MAX_EXCHANGES: usize = 1000;

/// The largest values of a call that are kept, in bytes.
const MAX_VALUES_BYTES: usize = 256 << 10;

/// The most that is sent at once, unless one entry is larger.
const MAX_BATCH_BYTES: usize = 128 << 10;

/// The most of the log that the next program takes over, in bytes of events, and of exchanges.
const MAX_HANDED_OVER_BYTES: usize = 2 << 20;

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
    /// How the build goes.
    build: Latest,
    /// The files that were written last and need no build.
    reload: Latest,
}

/// What the supervisor says to pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// How the build goes: a page that comes later gets it as well.
    Build,
    /// Files were written that need no build.
    Reload,
}

/// The log as the next program takes it over.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptLog {
    next: u64,
    last_event: u64,
    events: Vec<KeptEntry>,
    exchanges: Vec<KeptEntry>,
}

impl Default for EventLog {
    fn default() -> Self {
        let kept = Kept {
            next: 0,
            last_event: 0,
            state_changes: 0,
            events: Ring::new(MAX_EVENTS),
            exchanges: Ring::new(MAX_EXCHANGES),
            build: Latest::default(),
            reload: Latest::default(),
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

    /// Shows pages what the supervisor says.
    pub(super) fn show(&self, kind: Shown, what: &RawValue) {
        let mut kept = self.kept();
        let (latest, name) = match kind {
            Shown::Build => (&mut kept.build, "build"),
            Shown::Reload => (&mut kept.reload, "reload"),
        };
        latest.changes += 1;
        latest.block = block(name, None, what.get());
        drop(kept);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// The newest of what is kept, for the next program.
    pub(super) fn kept_log(&self) -> KeptLog {
        let kept = self.kept();
        KeptLog {
            next: kept.next,
            last_event: kept.last_event,
            events: kept.events.newest(MAX_HANDED_OVER_BYTES),
            exchanges: kept.exchanges.newest(MAX_HANDED_OVER_BYTES),
        }
    }

    /// Goes on with the log of the program before this one.
    pub(super) fn restore(&self, log: KeptLog) {
        let mut kept = self.kept();
        kept.next = kept.next.max(log.next);
        kept.last_event = kept.last_event.max(log.last_event);
        kept.events.replace(log.events);
        kept.exchanges.replace(log.exchanges);
        drop(kept);
        self.state_changed();
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
        // A page that comes back may have missed a change of the state.
        let states_seen = kept.state_changes.wrapping_sub(u64::from(last_event > 0));
        let reloads_seen = kept.reload.changes;
        drop(kept);
        let reader = Reader {
            log: Arc::clone(self),
            changes: self.changes.subscribe(),
            shutdown,
            hello: Some(block("hello", None, hello)),
            position: 0,
            after_event,
            states_seen,
            builds_seen: 0,
            reloads_seen,
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
    builds_seen: u64,
    reloads_seen: u64,
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
        for unseen in
            [kept.build.unseen(&mut self.builds_seen), kept.reload.unseen(&mut self.reloads_seen)]
        {
            batch.extend_from_slice(unseen.map_or(&[], |block| block));
        }
        (!batch.is_empty()).then(|| batch.into())
    }
}

impl Observer for EventLog {
    fn on_event(&self, event: &Event<'_>) {
        // Nothing was decided there, and they would take the place of what was.
        if matches!(
            event.kind,
            EventKind::StoreUsed { .. }
                | EventKind::OperationEnded { .. }
                | EventKind::SessionEnded { .. }
        ) {
            return;
        }
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

    use super::{super::event_ring::MAX_LOG_BYTES, *};
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
    async fn the_next_program_goes_on_with_the_log() {
        let (old, new) = (Arc::new(EventLog::default()), Arc::new(EventLog::default()));
        let of_old = tracer(&old);
        emit(&of_old, 3);
        old.add_exchange(&json!({ "id": 1 }));
        let of_new = tracer(&new);
        emit(&of_new, 1);
        let kept = serde_json::to_string(&old.kept_log()).unwrap();
        new.restore(serde_json::from_str(&kept).unwrap());
        of_new.continue_at(of_old.next_event() + 10);
        emit(&of_new, 1);
        let ids = |text: &str| -> Vec<u64> {
            text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
        };
        let text = read(&new, 0);
        assert_eq!(ids(&text), [1, 2, 3, 14]);
        assert_eq!(text.matches("event: exchange").count(), 1);
        // A page that had the events of the old program gets the new ones, and asks for the state.
        let text = read(&new, 3);
        assert_eq!(ids(&text), [14]);
        assert!(text.contains("event: state"), "{text}");
        let large = "x".repeat(1 << 20);
        for _ in 0..9 {
            old.add_exchange(&large);
        }
        assert_eq!(old.kept_log().exchanges.len(), 1, "the newest alone");
        let two = serde_json::json!({ "next": 9, "last_event": 9, "events": [[5, 1, "a"], [4, 2, "b"]], "exchanges": [] });
        new.restore(serde_json::from_value(two).unwrap());
        assert_eq!(new.kept().events.entries.len(), 1, "positions that go back are dropped");
    }

    #[tokio::test]
    async fn a_page_gets_the_newest_build_and_the_reloads_from_then_on() {
        let log = Arc::new(EventLog::default());
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        log.show(Shown::Build, &raw(r#"{"state":"building"}"#));
        log.show(Shown::Build, &raw(r#"{"state":"failed"}"#));
        log.show(Shown::Reload, &raw(r#"{"what":"views"}"#));
        let text = read(&log, 0);
        assert_eq!(text.matches("event: build\ndata: {\"state\":\"failed\"}").count(), 1);
        assert!(!text.contains("building") && !text.contains("event: reload"), "{text}");
        let stream = log.stream("{}", 0, CancellationToken::new());
        let mut stream = std::pin::pin!(stream);
        stream.next().await;
        stream.next().await;
        log.show(Shown::Reload, &raw(r#"{"what":"calls"}"#));
        let batch = stream.next().await.unwrap().unwrap();
        assert_eq!(batch, "event: reload\ndata: {\"what\":\"calls\"}\n\n");
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
