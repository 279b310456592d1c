//! The log as a stream of server-sent events, for one page.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::event_log::{EventLog, block};

/// The most that is sent at once, unless one entry is larger.
const MAX_BATCH_BYTES: usize = 128 << 10;

/// How often a comment is sent while there is nothing else to send.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

impl EventLog {
    /// The stream of a page that has the events up to `last_event`: `hello`, what is kept, and then
    /// what comes, until `shutdown`.
    pub(super) fn stream(
        self: &Arc<Self>,
        hello: &str,
        last_event: u64,
        shutdown: CancellationToken,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let kept = self.kept();
        // An event number that this process has not reached is of another process.
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
