//! Registry of open sessions: whose they are, how many there may be, and which are idle.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::transport::streamable_http_server::session::SessionId;
use tokio::time::Instant;

/// How many sessions one caller may have. Each takes some 50 kB and three tasks.
const MAX_SESSIONS_PER_OWNER: usize = 256;

/// How many sessions there may be in all.
const MAX_SESSIONS: usize = 10_000;

/// The open sessions of a server.
#[derive(Default)]
pub(super) struct SessionRegistry {
    open: Mutex<HashMap<SessionId, Session>>,
    /// Locked after `open`, if both are.
    counts: Mutex<SessionCounts>,
}

#[derive(Default)]
struct SessionCounts {
    total: usize,
    by_owner: HashMap<Arc<str>, usize>,
}

struct Session {
    permit: SessionPermit,
    last_used: Instant,
    requests: usize,
}

/// The right to one session, given back on drop.
pub(super) struct SessionPermit {
    owner: Arc<str>,
    registry: Arc<SessionRegistry>,
}

/// Which limit allows no more sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionLimit {
    PerOwner,
    Total,
}

/// A request of a session; the session is not idle while it is held.
pub(super) struct SessionRequest {
    id: SessionId,
    registry: Arc<SessionRegistry>,
}

impl SessionRegistry {
    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, SessionCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit for one more session of `owner`.
    pub(super) fn acquire(
        self: &Arc<Self>,
        owner: &Arc<str>,
    ) -> Result<SessionPermit, SessionLimit> {
        let mut counts = self.counts();
        if counts.by_owner.get(owner).is_some_and(|count| *count >= MAX_SESSIONS_PER_OWNER) {
            return Err(SessionLimit::PerOwner);
        }
        if counts.total >= MAX_SESSIONS {
            return Err(SessionLimit::Total);
        }
        counts.total += 1;
        *counts.by_owner.entry(Arc::clone(owner)).or_default() += 1;
        Ok(SessionPermit { owner: Arc::clone(owner), registry: Arc::clone(self) })
    }

    pub(super) fn insert(&self, id: SessionId, permit: SessionPermit) {
        let session = Session { permit, last_used: Instant::now(), requests: 0 };
        self.open().insert(id, session);
    }

    pub(super) fn contains(&self, id: &SessionId) -> bool {
        self.open().contains_key(id)
    }

    pub(super) fn remove(&self, id: &SessionId) {
        self.open().remove(id);
    }

    /// Begins a request of a session; `None` if there is no such session.
    pub(super) fn begin_request(self: &Arc<Self>, id: &SessionId) -> Option<SessionRequest> {
        let mut open = self.open();
        let session = open.get_mut(id)?;
        session.requests += 1;
        session.last_used = Instant::now();
        Some(SessionRequest { id: id.clone(), registry: Arc::clone(self) })
    }

    /// The owner of a session; empty if an anonymous caller opened it.
    pub(super) fn owner(&self, id: &str) -> Option<Arc<str>> {
        self.open().get(id).map(|session| Arc::clone(&session.permit.owner))
    }

    /// Gives an anonymous session to `owner`. Returns whether it did.
    pub(super) fn adopt(self: &Arc<Self>, id: &str, owner: &Arc<str>) -> bool {
        let Ok(permit) = self.acquire(owner) else { return false };
        let mut open = self.open();
        let session = open.get_mut(id).filter(|session| session.permit.owner.is_empty());
        session.map(|session| session.permit = permit).is_some()
    }

    /// Removes the session that has been idle for longest, among those that count towards `limit`.
    pub(super) fn remove_idlest(&self, limit: SessionLimit, owner: &str) -> Option<SessionId> {
        let mut open = self.open();
        let idle = open.iter().filter(|(_, session)| {
            session.requests == 0
                && (limit == SessionLimit::Total || *session.permit.owner == *owner)
        });
        let id = idle.min_by_key(|(_, session)| session.last_used).map(|(id, _)| id.clone())?;
        open.remove(&id);
        Some(id)
    }

    /// Removes the sessions that have been idle for `timeout`.
    pub(super) fn remove_idle(&self, timeout: Duration) -> Vec<SessionId> {
        let is_idle =
            |session: &mut Session| session.requests == 0 && session.last_used.elapsed() >= timeout;
        self.open().extract_if(|_, session| is_idle(session)).map(|(id, _)| id).collect()
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let mut counts = self.registry.counts();
        counts.total -= 1;
        if let Some(count) = counts.by_owner.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                counts.by_owner.remove(&self.owner);
            }
        }
    }
}

impl Drop for SessionRequest {
    fn drop(&mut self) {
        if let Some(session) = self.registry.open().get_mut(&self.id) {
            session.requests -= 1;
            session.last_used = Instant::now();
        }
    }
}
