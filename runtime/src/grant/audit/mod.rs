//! Audit of grants: who connected what, what was refused, renewed, revoked and administered.
//!
//! A server keeps the audit in its database, sealed like everything there, for as long as the operator
//! wants; `admin export-audit` reads it. An entry is written when a grant changes, never during a call
//! whose token is valid. Entries wait in memory and are written together, by a task, so that no call
//! waits for them or fails because of them.

pub(crate) mod buffer;
pub(crate) mod entry;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod export;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use self::{
    buffer::{Buffers, Stream},
    entry::Facts,
};
use super::{millis::to_millis, model::Revision, records::Records};
use crate::support::{background, clock::Clock, crypto};

/// How long entries wait, so that several are written at once.
const DECISION_DELAY: Duration = Duration::from_secs(1);
const OTHER_DELAY: Duration = Duration::from_secs(60);

/// The wait before the next attempt, when the store does not answer.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// How long the end of a process waits for the last entries.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The audit of a server. Clones share it. The default keeps none.
#[derive(Clone, Default)]
pub(crate) struct AuditTrail(Option<Arc<Trail>>);

struct Trail {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    retention: Duration,
    /// Whether the entries are about an operator's command.
    is_by_operator: bool,
    buffers: Mutex<Buffers>,
    /// Held while entries are written.
    writing: tokio::sync::Mutex<()>,
    is_failing: AtomicBool,
}

impl AuditTrail {
    /// The audit in these records. Each entry is kept for `retention`.
    pub(crate) fn new(
        records: Arc<dyn Records>,
        clock: Arc<dyn Clock>,
        retention: Duration,
        is_by_operator: bool,
    ) -> Self {
        Self(Some(Arc::new(Trail {
            records,
            clock,
            retention,
            is_by_operator,
            buffers: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            is_failing: AtomicBool::new(false),
        })))
    }

    /// Whether it is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Adds an entry.
    pub(crate) fn record(&self, stream: Stream, facts: impl FnOnce() -> Facts) {
        let Some(trail) = &self.0 else { return };
        let mut facts = facts();
        facts.by = trail.is_by_operator.then_some("operator".into());
        if trail.buffers().push(stream, to_millis(trail.clock.now()), &facts) {
            trail.schedule(stream);
        }
    }

    /// Adds an entry about a decision.
    pub(crate) fn decision(&self, facts: impl FnOnce() -> Facts) {
        self.record(Stream::Decisions, facts);
    }

    /// Counts a refusal: of what, and why.
    pub(crate) fn refuse(&self, what: &'static str, reason: &'static str) {
        let Some(trail) = &self.0 else { return };
        if trail.buffers().refuse(what, reason, to_millis(trail.clock.now())) {
            trail.schedule(Stream::Refusals);
        }
    }

    /// Writes the waiting entries before the process ends. Entries that cannot be written are logged.
    pub(crate) async fn flush(&self) {
        let Some(trail) = &self.0 else { return };
        if trail.buffers().waiting() == 0 {
            return;
        }
        // In a task, so that what is being written is counted as well when the time is up.
        let writing = Arc::clone(trail);
        let written = background::spawn(async move {
            for stream in Stream::ALL {
                writing.write(stream).await;
            }
        });
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, written).await;
        let left = trail.buffers().waiting();
        if left > 0 {
            tracing::warn!(target: "toolgate::grant", "{left} entries of the audit could not be written");
        }
    }
}

impl Trail {
    fn buffers(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spawns the task that writes the waiting entries. It does not keep the store open.
    fn schedule(self: &Arc<Self>, stream: Stream) {
        if tokio::runtime::Handle::try_current().is_ok() {
            background::spawn(write_later(Arc::downgrade(self), stream));
        }
    }

    /// Writes the waiting entries. Returns whether they were written.
    async fn write(&self, stream: Stream) -> bool {
        let _one_at_a_time = self.writing.lock().await;
        loop {
            let now = self.clock.now();
            let batch = self.buffers().take(stream, to_millis(now));
            let Some(batch) = batch else { return true };
            let until = now.checked_add(self.retention).unwrap_or(now);
            let (key, value) = (crypto::random_token(), batch.to_json());
            let namespace = stream.namespace();
            let written =
                self.records.write(namespace, &key, value.as_bytes(), until, Revision::ABSENT);
            match written.await {
                Ok(_) => {
                    self.buffers().written(stream);
                    if self.is_failing.swap(false, Ordering::Relaxed) {
                        tracing::info!(target: "toolgate::grant", "the audit is written again");
                    }
                }
                Err(error) => {
                    self.buffers().put_back(stream, batch);
                    if !self.is_failing.swap(true, Ordering::Relaxed) {
                        tracing::warn!(target: "toolgate::grant", %error, "the audit cannot be written: its entries wait, and those that are too many are counted");
                    }
                    return false;
                }
            }
        }
    }
}

async fn write_later(trail: Weak<Trail>, stream: Stream) {
    let mut delay = if stream == Stream::Decisions { DECISION_DELAY } else { OTHER_DELAY };
    loop {
        tokio::time::sleep(delay).await;
        let Some(trail) = trail.upgrade() else { return };
        if !trail.write(stream).await {
            delay = RETRY_DELAY;
        } else if trail.buffers().is_done(stream) {
            return;
        }
    }
}

impl std::fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuditTrail").field(&self.is_kept()).finish()
    }
}

#[cfg(test)]
mod tests;
