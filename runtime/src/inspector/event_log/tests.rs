//! Tests of the log and of its stream.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

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
