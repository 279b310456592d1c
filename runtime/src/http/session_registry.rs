//! Registry of open sessions: whose they are, how many there may be, and which are idle.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::transport::streamable_http_server::session::SessionId;
use tokio::time::Instant;

/// How many sessions one caller may have. Each takes some 50 kB and three tasks.
const MAX_SESSIONS_PER_OWNER: usize = 256;

/// How many sessions there may be in all.
const MAX_SESSIONS: usize = 10_000;

/// How many of them anonymous callers may have together.
const MAX_ANONYMOUS_SESSIONS: usize = 5_000;

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
    anonymous: usize,
    by_share: HashMap<Arc<str>, usize>,
}

struct Session {
    permit: SessionPermit,
    last_used: Instant,
    requests: usize,
}

/// Who opens a session.
#[derive(Clone)]
pub(super) struct SessionOwner {
    /// The principal; empty for an anonymous caller.
    owner: Arc<str>,
    /// Whose sessions are counted together: those of one principal, or of one address.
    share: Arc<str>,
}

impl SessionOwner {
    pub(super) fn new(principal: &str, address: Option<IpAddr>) -> Self {
        let owner: Arc<str> = principal.into();
        let share = match (principal, address) {
            // An issuer is a URL, so no principal begins so.
            ("", Some(address)) => format!("address {address}").into(),
            _ => Arc::clone(&owner),
        };
        Self { owner, share }
    }
}

/// The right to one session, given back on drop.
pub(super) struct SessionPermit {
    owner: SessionOwner,
    registry: Arc<SessionRegistry>,
}

/// Which limit allows no more sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionLimit {
    PerOwner,
    Anonymous,
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
        owner: &SessionOwner,
    ) -> Result<SessionPermit, SessionLimit> {
        let mut counts = self.counts();
        let of_share = counts.by_share.get(&owner.share);
        if of_share.is_some_and(|count| *count >= MAX_SESSIONS_PER_OWNER) {
            return Err(SessionLimit::PerOwner);
        }
        let is_anonymous = owner.owner.is_empty();
        if is_anonymous && counts.anonymous >= MAX_ANONYMOUS_SESSIONS {
            return Err(SessionLimit::Anonymous);
        }
        if counts.total >= MAX_SESSIONS {
            return Err(SessionLimit::Total);
        }
        counts.total += 1;
        counts.anonymous += usize::from(is_anonymous);
        *counts.by_share.entry(Arc::clone(&owner.share)).or_default() += 1;
        Ok(SessionPermit { owner: owner.clone(), registry: Arc::clone(self) })
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
        self.open().get(id).map(|session| Arc::clone(&session.permit.owner.owner))
    }

    /// Gives an anonymous session to `owner`. Returns whether it did.
    pub(super) fn adopt(self: &Arc<Self>, id: &str, owner: &SessionOwner) -> bool {
        let Ok(permit) = self.acquire(owner) else { return false };
        let mut open = self.open();
        let session = open.get_mut(id).filter(|session| session.permit.owner.owner.is_empty());
        session.map(|session| session.permit = permit).is_some()
    }

    /// Removes the session that has been idle for longest, among those that count towards `limit`.
    pub(super) fn remove_idlest(
        &self,
        limit: SessionLimit,
        owner: &SessionOwner,
    ) -> Option<SessionId> {
        let mut open = self.open();
        let counts = |of: &SessionOwner| match limit {
            SessionLimit::PerOwner => of.share == owner.share,
            SessionLimit::Anonymous => of.owner.is_empty(),
            SessionLimit::Total => true,
        };
        let idle = open
            .iter()
            .filter(|(_, session)| session.requests == 0 && counts(&session.permit.owner));
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
        counts.anonymous -= usize::from(self.owner.owner.is_empty());
        if let Some(count) = counts.by_share.get_mut(&self.owner.share) {
            *count -= 1;
            if *count == 0 {
                counts.by_share.remove(&self.owner.share);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(last: u16) -> SessionOwner {
        let [high, low] = last.to_be_bytes();
        SessionOwner::new("", Some(IpAddr::from([192, 0, high, low])))
    }

    #[test]
    fn the_streams_of_one_stranger_shut_out_no_other() {
        let registry = Arc::new(SessionRegistry::default());
        let acquire = |owner: &SessionOwner| registry.acquire(owner);
        let held: Vec<_> = (0..MAX_SESSIONS_PER_OWNER).map(|_| acquire(&stranger(1))).collect();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(acquire(&stranger(1)).err(), Some(SessionLimit::PerOwner));
        assert!(acquire(&stranger(2)).is_ok());
        assert!(acquire(&SessionOwner::new("https://login.example alice", None)).is_ok());
        drop(held);
        assert!(acquire(&stranger(1)).is_ok());
    }

    #[test]
    fn all_strangers_together_leave_room_for_callers() {
        let registry = Arc::new(SessionRegistry::default());
        let mut held = Vec::new();
        let refused = (0..=u16::MAX).find_map(|last| match registry.acquire(&stranger(last)) {
            Ok(permit) => {
                held.push(permit);
                None
            }
            Err(limit) => Some(limit),
        });
        assert_eq!((held.len(), refused), (5_000, Some(SessionLimit::Anonymous)));
        let alice = SessionOwner::new("https://login.example alice", None);
        assert!(registry.acquire(&alice).is_ok());
        held.clear();
        assert!(registry.acquire(&stranger(0)).is_ok());
        assert!(registry.counts().by_share.is_empty(), "idle callers take no memory");
    }

    #[test]
    fn an_idle_session_makes_room_where_it_counts() {
        let registry = Arc::new(SessionRegistry::default());
        for (id, owner) in [("one", stranger(1)), ("two", stranger(2))] {
            registry.insert(id.into(), registry.acquire(&owner).unwrap_or_else(|_| panic!("{id}")));
        }
        let removed = registry.remove_idlest(SessionLimit::PerOwner, &stranger(2));
        assert_eq!(removed.as_deref(), Some("two"));
        assert_eq!(registry.remove_idlest(SessionLimit::PerOwner, &stranger(3)), None);
        assert!(registry.adopt("one", &SessionOwner::new("https://login.example alice", None)));
        assert_eq!(registry.remove_idlest(SessionLimit::Anonymous, &stranger(3)), None);
        let last = registry.remove_idlest(SessionLimit::Total, &stranger(3));
        assert_eq!(last.as_deref(), Some("one"));
    }
}
