//! Messages that wait to be sent to one client, bounded in number and in bytes.

#[cfg(feature = "inspector")]
use std::sync::Arc;
use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "inspector")]
use super::recording::MessageRecorder;

/// How many messages may wait before their senders wait as well.
const MAX_READY_MESSAGES: usize = 64;

/// How many bytes may wait before their senders wait as well.
const MAX_READY_BYTES: usize = 1 << 20;

/// How many messages may wait, those of waiting senders included. A connection whose client lets more
/// of them gather is closed.
const MAX_MESSAGES: usize = 4096;

/// How many bytes may wait, those of waiting senders included. One message may always wait.
const MAX_BYTES: usize = 32 << 20;

/// How long a client may take for one message.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(75);

/// The messages to one client.
#[derive(Default)]
pub(crate) struct Outgoing {
    #[cfg(feature = "inspector")]
    recorder: Option<Arc<MessageRecorder>>,
    queue: Mutex<Queue>,
    /// Wakes the connection when there is a message.
    added: Notify,
    /// Wakes the senders when a message was taken.
    taken: Notify,
    /// Cancelled when the client does not read what it is sent.
    overflowed: CancellationToken,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<String>,
    bytes: usize,
}

impl Queue {
    fn is_full(&self, messages: usize, bytes: usize) -> bool {
        self.messages.len() > messages || self.bytes > bytes && self.messages.len() > 1
    }
}

impl Outgoing {
    /// The messages to a client, each of which is recorded.
    #[cfg(feature = "inspector")]
    pub(super) fn recorded(recorder: Option<Arc<MessageRecorder>>) -> Self {
        Self { recorder, ..Self::default() }
    }

    /// Adds a message, and waits as long as too many are before it.
    ///
    /// # Errors
    ///
    /// The client does not read.
    pub(crate) async fn send(&self, message: String) -> io::Result<()> {
        #[cfg(feature = "inspector")]
        if let Some(recorder) = &self.recorder {
            recorder.sent(&message);
        }
        {
            let mut queue = self.queue();
            if self.overflowed.is_cancelled() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            queue.bytes += message.len();
            queue.messages.push_back(message);
            if queue.is_full(MAX_MESSAGES, MAX_BYTES) {
                *queue = Queue::default();
                drop(queue);
                return self.overflow();
            }
        }
        self.added.notify_one();
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable();
            if !self.queue().is_full(MAX_READY_MESSAGES, MAX_READY_BYTES) {
                return Ok(());
            }
            tokio::select! {
                () = self.overflowed.cancelled() => return Err(io::ErrorKind::BrokenPipe.into()),
                waited = timeout(WRITE_TIMEOUT, taken) => if waited.is_err() {
                    return self.overflow();
                },
            }
        }
    }

    fn overflow(&self) -> io::Result<()> {
        self.overflowed.cancel();
        Err(io::ErrorKind::BrokenPipe.into())
    }

    /// The next message. The future may be dropped at any time, and no message is lost.
    pub(crate) async fn next(&self) -> String {
        loop {
            let added = self.added.notified();
            if let Some(message) = self.take() {
                return message;
            }
            added.await;
        }
    }

    /// The next message, if there is one.
    pub(crate) fn take(&self) -> Option<String> {
        let mut queue = self.queue();
        let message = queue.messages.pop_front()?;
        queue.bytes -= message.len();
        drop(queue);
        self.taken.notify_waiters();
        Some(message)
    }

    /// Completes when too much waits for a client that does not read.
    pub(crate) async fn overflowed(&self) {
        self.overflowed.cancelled().await;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;
    use tokio::time::Instant;

    use super::*;

    fn queued(outgoing: &Outgoing) -> (usize, usize) {
        let queue = outgoing.queue();
        (queue.messages.len(), queue.bytes)
    }

    #[tokio::test]
    async fn messages_are_sent_in_their_order() {
        let outgoing = Arc::new(Outgoing::default());
        let next = tokio::spawn({
            let outgoing = Arc::clone(&outgoing);
            async move { [outgoing.next().await, outgoing.next().await] }
        });
        for message in ["one", "two"] {
            outgoing.send(message.to_owned()).await.unwrap();
        }
        assert_eq!(next.await.unwrap(), ["one", "two"]);
        assert!(outgoing.next().now_or_never().is_none());
        assert_eq!(queued(&outgoing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn senders_wait_for_a_client_that_reads() {
        let outgoing = Outgoing::default();
        for _ in 0..MAX_READY_MESSAGES {
            outgoing.send("x".to_owned()).now_or_never().expect("there is room").unwrap();
        }
        let mut waiting = std::pin::pin!(outgoing.send("last".to_owned()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(outgoing.take().is_some());
        waiting.await.unwrap();
        // The same for few messages of many bytes, but never for a single one.
        while outgoing.take().is_some() {}
        let large = || "x".repeat(MAX_READY_BYTES + 1);
        outgoing.send(large()).now_or_never().expect("a single message").unwrap();
        let mut waiting = std::pin::pin!(outgoing.send(large()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(outgoing.take().is_some());
        waiting.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let outgoing = Outgoing::default();
        for _ in 0..MAX_READY_MESSAGES {
            outgoing.send("x".to_owned()).await.unwrap();
        }
        let began = Instant::now();
        assert!(outgoing.send("last".to_owned()).await.is_err());
        assert_eq!(began.elapsed(), WRITE_TIMEOUT);
        outgoing.overflowed().await;
        assert!(outgoing.send("further".to_owned()).await.is_err());
    }

    #[tokio::test]
    async fn what_waits_is_bounded_at_once() {
        for (length, most) in [(1, MAX_MESSAGES), (1 << 20, MAX_BYTES >> 20)] {
            let outgoing = Outgoing::default();
            let mut sent = 0;
            let refused = loop {
                // Dropping a sender that waits does not take its message back.
                match outgoing.send("x".repeat(length)).now_or_never() {
                    Some(Err(error)) => break error,
                    _ => sent += 1,
                }
                assert!(queued(&outgoing).1 <= MAX_BYTES);
            };
            assert_eq!(refused.kind(), io::ErrorKind::BrokenPipe);
            assert_eq!(sent, most);
            assert_eq!(queued(&outgoing), (0, 0), "nothing is kept for it");
        }
    }
}
