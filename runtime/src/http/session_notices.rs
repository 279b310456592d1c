//! Notices to the clients of sessions, which listen at any replica.
//!
//! Any replica answers the calls of a session, and its stream is open at one of them. A notice about a
//! call at another replica is a record, for which the replica with the stream waits.

use std::{sync::Arc, time::Duration};

use rmcp::{Peer, RoleServer};
use tokio::sync::Semaphore;

use crate::{
    grant::{Clock, Namespace, Records, Revision, SaveError, StoreError},
    mcp::elicitation,
    support::crypto::sha256_base64url,
};

/// The sessions with notices. The one whose notice is the oldest makes room. Each notice is of a consent
/// that a person has given, so that a stranger causes none.
const NOTICES: Namespace = Namespace::new("mcp-session-notice", 10_000).evicting().watched();

/// The most notices of one session; the oldest make room.
const MAX_NOTICES_PER_SESSION: usize = 16;

/// How long a notice waits for a client that does not listen.
const NOTICE_TTL: Duration = Duration::from_secs(60);

/// How often a stream looks for notices that were not announced.
const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// The most streams that read the store at the same time. All of them read when the store's connection for
/// announcements has been restored, and calls must still get connections to the database.
const MAX_POLLS: usize = 2;

/// How long a notice waits for a client whose session is being restored.
const RESTORE_WAIT: Duration = Duration::from_millis(200);

/// How often a write is tried again after conflicts with other writes.
const MAX_ATTEMPTS: usize = 8;

/// The notices of a server whose replicas share a store.
pub(super) struct SessionNotices {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    polls: Semaphore,
}

impl SessionNotices {
    /// `None`: the server is one process, which has all streams.
    pub(super) fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Option<Self> {
        let polls = Semaphore::new(MAX_POLLS);
        records.is_shared().then_some(Self { records, clock, polls })
    }

    /// Leaves the notice that an elicitation is complete.
    pub(super) async fn leave(&self, session: &str, elicitation: &str) -> Result<(), StoreError> {
        let key = sha256_base64url(session);
        for _ in 0..MAX_ATTEMPTS {
            let (mut notices, revision) = match self.records.read(NOTICES, &key).await? {
                Some(stored) => (parse(&stored.value), stored.revision),
                None => (Vec::new(), Revision::ABSENT),
            };
            let surplus = (notices.len() + 1).saturating_sub(MAX_NOTICES_PER_SESSION);
            notices.drain(..surplus);
            notices.push(elicitation.to_owned());
            let value = serde_json::to_vec(&notices)
                .map_err(|error| StoreError::unavailable("writing a notice", error))?;
            let until = self.clock.now() + NOTICE_TTL;
            match self.records.write(NOTICES, &key, &value, until, revision).await {
                Ok(_) => return Ok(()),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::unavailable("writing a notice", "other writes came first"))
    }

    /// Sends the notices of a session to its client, whom `peer` finds, until it is dropped with the
    /// client's stream.
    pub(super) async fn deliver(&self, session: &str, peer: impl Fn() -> Option<Peer<RoleServer>>) {
        let key = sha256_base64url(session);
        loop {
            let changed = self.records.watch(NOTICES, &key, POLL_INTERVAL);
            let found = {
                let _poll = self.polls.acquire().await;
                self.records.read(NOTICES, &key).await
            };
            if matches!(found, Ok(Some(_))) {
                let Some(peer) = peer() else {
                    tokio::time::sleep(RESTORE_WAIT).await;
                    continue;
                };
                // If there are several streams, one of them gets the notices.
                let taken = self.records.take(NOTICES, &key).await.ok().flatten();
                for elicitation in taken.iter().flat_map(|value| parse(value)) {
                    elicitation::notify(&peer, &elicitation).await;
                }
            }
            changed.await;
        }
    }
}

fn parse(value: &[u8]) -> Vec<String> {
    serde_json::from_slice(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::SystemTime,
    };

    use async_trait::async_trait;
    use futures::future::{join_all, select};
    use tokio::sync::Notify;
    use zeroize::Zeroizing;

    use super::*;
    use crate::grant::{ManualClock, MemoryStore, Sealer, Stored};

    fn notices(records: Arc<dyn Records>) -> SessionNotices {
        let (clock, polls) = (Arc::new(ManualClock::new()), Semaphore::new(MAX_POLLS));
        SessionNotices { records, clock, polls }
    }

    #[tokio::test]
    async fn the_notices_of_a_session_are_bounded() {
        let clock = Arc::new(ManualClock::new());
        let records: Arc<dyn Records> = Arc::new(MemoryStore::with_clock(clock.clone()));
        assert!(SessionNotices::new(Arc::clone(&records), clock).is_none(), "one process");
        let notices = notices(records);
        for number in 0..MAX_NOTICES_PER_SESSION + 3 {
            notices.leave("session", &number.to_string()).await.unwrap();
        }
        let key = sha256_base64url("session");
        let stored = notices.records.read(NOTICES, &key).await.unwrap().unwrap();
        let kept = parse(&stored.value);
        assert_eq!(kept.len(), MAX_NOTICES_PER_SESSION);
        assert_eq!((&*kept[0], kept.last().map(String::as_str)), ("3", Some("18")));
    }

    /// Records whose reads take a while, and are counted.
    struct SlowReads {
        inner: MemoryStore,
        under_way: AtomicUsize,
        most: AtomicUsize,
        left: AtomicUsize,
        all_read: Arc<Notify>,
    }

    #[async_trait]
    impl Records for SlowReads {
        fn sealer(&self) -> &Sealer {
            self.inner.sealer()
        }

        async fn read(
            &self,
            namespace: Namespace,
            key: &str,
        ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
            self.most.fetch_max(self.under_way.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.under_way.fetch_sub(1, SeqCst);
            if self.left.fetch_sub(1, SeqCst) == 1 {
                self.all_read.notify_one();
            }
            self.inner.read(namespace, key).await
        }

        async fn write(
            &self,
            namespace: Namespace,
            key: &str,
            value: &[u8],
            expires_at: SystemTime,
            expected: Revision,
        ) -> Result<Revision, SaveError> {
            self.inner.write(namespace, key, value, expires_at, expected).await
        }

        async fn take(
            &self,
            namespace: Namespace,
            key: &str,
        ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
            self.inner.take(namespace, key).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_look_at_the_same_time_leave_connections_for_calls() {
        let all_read = Arc::new(Notify::new());
        let slow = Arc::new(SlowReads {
            inner: MemoryStore::new(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            left: AtomicUsize::new(100),
            all_read: Arc::clone(&all_read),
        });
        let notices = notices(slow.clone());
        let sessions: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let streams = join_all(sessions.iter().map(|session| notices.deliver(session, || None)));
        select(std::pin::pin!(all_read.notified()), std::pin::pin!(streams)).await;
        assert_eq!(slow.most.load(SeqCst), MAX_POLLS);
    }
}
