//! Registry of live sessions: whose they are, how many there may be, and which are idle.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use rmcp::{Peer, RoleServer, transport::streamable_http_server::session::SessionId};
use tokio::time::Instant;

use crate::gate::site_of;

/// How many live sessions one caller may have. Each takes some 50 kB and three tasks.
const MAX_SESSIONS_PER_OWNER: usize = 256;

/// How many sessions there may be in all.
const MAX_SESSIONS: usize = 10_000;

/// How many of them anonymous callers may have together.
const MAX_ANONYMOUS_SESSIONS: usize = 5_000;

/// How many of those the addresses of one IPv6 site may have together.
const MAX_SESSIONS_PER_SITE: usize = MAX_ANONYMOUS_SESSIONS / 4;

/// The live sessions of a server, by their identifiers.
#[derive(Default)]
pub(super) struct SessionRegistry {
    open: Mutex<HashMap<SessionId, LiveSession>>,
    /// Locked after `open`, if both are.
    counts: Mutex<SessionCounts>,
}

#[derive(Default)]
struct SessionCounts {
    total: usize,
    anonymous: usize,
    by_share: HashMap<Arc<str>, usize>,
    /// Those of anonymous callers.
    by_site: HashMap<IpAddr, usize>,
}

struct LiveSession {
    permit: SessionPermit,
    machinery: Machinery,
    /// Known once the client is ready.
    peer: Option<Peer<RoleServer>>,
    last_used: Instant,
    requests: usize,
}

/// What serves a live session. A session that is restored has another one than before.
#[derive(Clone)]
pub(super) struct Machinery {
    /// Its identifier in rmcp's manager.
    pub(super) id: SessionId,
    /// Held by its transport, so by rmcp's service loop.
    pub(super) alive: Weak<()>,
}

/// Who has a live session.
#[derive(Clone)]
pub(super) struct SessionOwner {
    /// The principal; empty for an anonymous caller.
    owner: Arc<str>,
    /// Whose sessions are counted together: those of one principal, or of one address.
    share: Arc<str>,
    /// The site of an anonymous caller, if its address has one.
    site: Option<IpAddr>,
}

impl SessionOwner {
    pub(super) fn new(principal: &str, address: Option<IpAddr>) -> Self {
        let owner: Arc<str> = principal.into();
        let address = address.filter(|_| principal.is_empty());
        let share = match address {
            // An issuer is a URL, so no principal begins so.
            Some(address) => format!("address {address}").into(),
            None => Arc::clone(&owner),
        };
        Self { owner, share, site: address.and_then(site_of) }
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
    PerSite,
    Anonymous,
    Total,
}

/// A request of a session; the session is not idle while it is held.
pub(super) struct SessionRequest {
    id: SessionId,
    /// The session in rmcp's manager.
    pub(super) machinery: SessionId,
    registry: Arc<SessionRegistry>,
}

impl SessionRegistry {
    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, LiveSession>> {
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
        let of_site = owner.site.and_then(|site| counts.by_site.get(&site));
        if of_site.is_some_and(|count| *count >= MAX_SESSIONS_PER_SITE) {
            return Err(SessionLimit::PerSite);
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
        if let Some(site) = owner.site {
            *counts.by_site.entry(site).or_default() += 1;
        }
        Ok(SessionPermit { owner: owner.clone(), registry: Arc::clone(self) })
    }

    pub(super) fn insert(&self, id: SessionId, permit: SessionPermit, machinery: Machinery) {
        let (peer, last_used) = (None, Instant::now());
        let session = LiveSession { permit, machinery, peer, last_used, requests: 0 };
        self.open().insert(id, session);
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.open().contains_key(id)
    }

    /// Removes a session, and returns what is to be closed.
    pub(super) fn remove(&self, id: &str) -> Option<SessionId> {
        self.open().remove(id).map(|session| session.machinery.id)
    }

    /// Removes a session whose service loop has ended, and returns what is to be closed. One that was
    /// restored since stays.
    pub(super) fn remove_dead(&self, id: &str) -> Option<SessionId> {
        let mut open = self.open();
        let is_dead = open.get(id)?.machinery.alive.strong_count() == 0;
        is_dead.then(|| open.remove(id).map(|session| session.machinery.id)).flatten()
    }

    /// Begins a request of a session; `None` if there is no such session.
    pub(super) fn begin_request(self: &Arc<Self>, id: &SessionId) -> Option<SessionRequest> {
        let mut open = self.open();
        let session = open.get_mut(id)?;
        session.requests += 1;
        session.last_used = Instant::now();
        let machinery = session.machinery.id.clone();
        Some(SessionRequest { id: id.clone(), machinery, registry: Arc::clone(self) })
    }

    /// The peer of a session.
    pub(super) fn peer(&self, id: &str) -> Option<Peer<RoleServer>> {
        self.open().get(id)?.peer.clone()
    }

    pub(super) fn set_peer(&self, id: &str, peer: Peer<RoleServer>) {
        if let Some(session) = self.open().get_mut(id) {
            session.peer = Some(peer);
        }
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

    /// Removes the session that has been idle for longest, among those that count towards `limit`, and
    /// returns what is to be closed.
    pub(super) fn remove_idlest(
        &self,
        limit: SessionLimit,
        owner: &SessionOwner,
    ) -> Option<SessionId> {
        let mut open = self.open();
        let counts = |of: &SessionOwner| match limit {
            SessionLimit::PerOwner => of.share == owner.share,
            SessionLimit::PerSite => of.site == owner.site,
            SessionLimit::Anonymous => of.owner.is_empty(),
            SessionLimit::Total => true,
        };
        let idle = open
            .iter()
            .filter(|(_, session)| session.requests == 0 && counts(&session.permit.owner));
        let id = idle.min_by_key(|(_, session)| session.last_used).map(|(id, _)| id.clone())?;
        open.remove(&id).map(|session| session.machinery.id)
    }

    /// Removes the sessions that have been idle for `timeout`, and returns what is to be closed.
    pub(super) fn remove_idle(&self, timeout: Duration) -> Vec<SessionId> {
        let is_idle = |session: &mut LiveSession| {
            session.requests == 0 && session.last_used.elapsed() >= timeout
        };
        let mut open = self.open();
        let idle = open.extract_if(|_, session| is_idle(session));
        idle.map(|(_, session)| session.machinery.id).collect()
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let mut counts = self.registry.counts();
        counts.total -= 1;
        counts.anonymous -= usize::from(self.owner.owner.is_empty());
        subtract(&mut counts.by_share, &self.owner.share);
        if let Some(site) = &self.owner.site {
            subtract(&mut counts.by_site, site);
        }
    }
}

/// Counts one less of `key`, and forgets it with the last one.
fn subtract<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for SessionRequest {
    fn drop(&mut self) {
        if let Some(session) = self.registry.open().get_mut(&self.id)
            && session.machinery.id == self.machinery
        {
            session.requests -= 1;
            session.last_used = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn stranger(last: u16) -> SessionOwner {
        let [high, low] = last.to_be_bytes();
        SessionOwner::new("", Some(IpAddr::from([192, 0, high, low])))
    }

    fn machinery(name: &str) -> (Machinery, Arc<()>) {
        let alive = Arc::new(());
        (Machinery { id: format!("in {name}").into(), alive: Arc::downgrade(&alive) }, alive)
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
    fn the_networks_of_one_site_shut_out_no_other() {
        let registry = Arc::new(SessionRegistry::default());
        let stranger = |site: u16, net: u16| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0);
            SessionOwner::new("", Some(address.into()))
        };
        let mut flood: Vec<_> =
            (0..2_000).filter_map(|net| registry.acquire(&stranger(1, net)).ok()).collect();
        assert_eq!(flood.len(), MAX_ANONYMOUS_SESSIONS / 4);
        assert_eq!(registry.acquire(&stranger(1, 3000)).err(), Some(SessionLimit::PerSite));
        assert!(registry.acquire(&stranger(2, 0)).is_ok(), "another site still gets through");
        let address = Some(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0).into());
        let alice = SessionOwner::new("https://login.example alice", address);
        assert!(registry.acquire(&alice).is_ok(), "and who has signed in, from anywhere");
        // An idle session of the site makes room for the next, and no other one.
        let others = registry.acquire(&stranger(2, 0)).unwrap();
        registry.insert("other".into(), others, machinery("other").0);
        registry.insert("own".into(), flood.pop().unwrap(), machinery("own").0);
        let removed = registry.remove_idlest(SessionLimit::PerSite, &stranger(1, 3000));
        assert_eq!(removed.as_deref(), Some("in own"));
        assert!(registry.acquire(&stranger(1, 3000)).is_ok());
        drop(flood);
        registry.remove("other");
        assert!(registry.counts().by_site.is_empty(), "idle callers take no memory");
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
            let permit = registry.acquire(&owner).unwrap_or_else(|_| panic!("{id}"));
            registry.insert(id.into(), permit, machinery(id).0);
        }
        let removed = registry.remove_idlest(SessionLimit::PerOwner, &stranger(2));
        assert_eq!(removed.as_deref(), Some("in two"));
        assert_eq!(registry.remove_idlest(SessionLimit::PerOwner, &stranger(3)), None);
        assert!(registry.adopt("one", &SessionOwner::new("https://login.example alice", None)));
        assert_eq!(registry.remove_idlest(SessionLimit::Anonymous, &stranger(3)), None);
        let last = registry.remove_idlest(SessionLimit::Total, &stranger(3));
        assert_eq!(last.as_deref(), Some("in one"));
    }

    #[test]
    fn the_end_of_a_service_loop_leaves_the_session_that_was_restored_since() {
        let registry = Arc::new(SessionRegistry::default());
        let insert = |generation| {
            let permit = registry.acquire(&stranger(1)).unwrap_or_else(|_| panic!("there is room"));
            let (machinery, alive) = machinery(generation);
            registry.insert("one".into(), permit, machinery);
            alive
        };
        let first = insert("first");
        let request = registry.begin_request(&"one".into()).unwrap();
        assert_eq!(registry.remove("one").as_deref(), Some("in first"));
        let second = insert("second");
        drop((first, request));
        assert_eq!(registry.remove_dead("one"), None);
        drop(registry.begin_request(&"one".into()).unwrap());
        drop(second);
        assert_eq!(registry.remove_dead("one").as_deref(), Some("in second"));
        assert!(!registry.contains("one") && registry.counts().by_share.is_empty());
    }
}
