//! Ended sessions: those that their clients ended before they would have ended by themselves.
//!
//! Every process that shares the store learns of an end within [`END_SEEN_WITHIN`]; the one that
//! received it knows at once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::sealed_session::{Session, SessionKey};
use crate::{
    grant::{BriefWait, Namespace, Records, Revision, SaveError, StoreError},
    support::{
        cache::{Cache, FetchCache},
        clock::Clock,
        crypto::base64url,
    },
};

/// How long another process may go on serving a session that was ended. It is what a read of the
/// store for each owner is saved for.
pub(crate) const END_SEEN_WITHIN: Duration = Duration::from_secs(5);

/// How many ended sessions of one owner are remembered. Beyond that the first of them would be served
/// again, to its owner alone.
const MAX_ENDED_PER_OWNER: usize = 256;

/// The most owners whose ended sessions are remembered. The one whose sessions end first makes room.
const ENDED: Namespace = Namespace::new("mcp-ended-session", 10_000).evicting();

/// The most owners and sessions in each of the caches.
const MAX_CACHED: usize = 10_000;

/// How long a process remembers that a session has ended, whether or not the store can be read.
const KNOWN_END_TTL: Duration = Duration::from_hours(24);

/// How often a write is tried that others come before.
const MAX_ATTEMPTS: usize = 8;

const ENTRY_LEN: usize = size_of::<SessionKey>() + 8;

/// The ended sessions of a server.
pub(super) struct EndedSessions {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// The ended sessions of an owner, as the store had them.
    stored: Arc<FetchCache<[u8; 32], ReadEnds>>,
    /// The sessions that ended here, or were found to have ended: they do not come back while the store
    /// is away.
    known: Cache<([u8; 32], SessionKey), ()>,
    wait: BriefWait,
}

/// The ended sessions of an owner. An error is not kept.
type ReadEnds = Result<Arc<[SessionKey]>, Arc<StoreError>>;

/// A session that ended, and when it would have ended by itself.
type Entry = (SessionKey, SystemTime);

impl EndedSessions {
    pub(super) fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self {
            records,
            clock,
            stored: Arc::new(FetchCache::new(Cache::new(MAX_CACHED, END_SEEN_WITHIN))),
            known: Cache::new(MAX_CACHED, KNOWN_END_TTL),
            wait: BriefWait::default(),
        }
    }

    /// Whether the session was ended, if that is known without the store.
    pub(super) fn known(&self, session: &Session) -> Option<bool> {
        let owner = session.binding.digest();
        if self.known.get(&(owner, session.key)).is_some() {
            return Some(true);
        }
        let ended = self.stored.get(&owner)?.ok()?;
        Some(ended.contains(&session.key))
    }

    /// Whether the session was ended. While the store cannot be read in time, it was not unless this
    /// process knows of it: the caller's token decides what the caller may do, with a session or without
    /// one.
    pub(super) async fn contains(&self, session: &Session) -> bool {
        if let Some(known) = self.known(session) {
            return known;
        }
        let owner = session.binding.digest();
        let (records, now) = (Arc::clone(&self.records), self.clock.now());
        let fetch = move || async move {
            let stored = records.read(ENDED, &base64url(&owner)).await.map_err(Arc::new)?;
            let ended = stored.iter().flat_map(|stored| entries(&stored.value, now));
            Ok(ended.map(|(key, _)| key).collect())
        };
        let stored = Arc::clone(&self.stored);
        let read = move || async move {
            let weigh = |read: &ReadEnds| read.is_ok().then_some(1);
            let read = stored.get_or_fetch(owner, weigh, fetch).await;
            read.unwrap_or_else(|| Ok(Arc::default()))
        };
        let ended = self.wait.outcome("reading the ended sessions", read).await;
        let is_ended = ended.is_some_and(|ended| ended.contains(&session.key));
        if is_ended {
            self.known.insert_weighing(1, (owner, session.key), ());
        }
        is_ended
    }

    /// Remembers that the session was ended, as long as it would have lasted. After an error it goes on
    /// everywhere, and its client may end it again.
    pub(super) async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let owner = session.binding.digest();
        self.store(session, &base64url(&owner)).await?;
        self.known.insert_weighing(1, (owner, session.key), ());
        Ok(())
    }

    async fn store(&self, session: &Session, key: &str) -> Result<(), StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records.read(ENDED, key).await?;
            let (mut ended, revision) = match &stored {
                Some(stored) => {
                    (entries(&stored.value, self.clock.now()).collect(), stored.revision)
                }
                None => (Vec::new(), Revision::ABSENT),
            };
            if ended.iter().any(|(key, _)| *key == session.key) {
                return Ok(());
            }
            ended.push((session.key, session.ends_at));
            let surplus = ended.len().saturating_sub(MAX_ENDED_PER_OWNER);
            let until = ended.iter().map(|(_, ends_at)| *ends_at).max();
            let value = write(&ended[surplus..]);
            let until = until.unwrap_or(session.ends_at);
            match self.records.write(ENDED, key, &value, until, revision).await {
                Ok(_) => return Ok(()),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::unavailable("storing the end of a session", "other writes came first"))
    }
}

fn write(ended: &[Entry]) -> Vec<u8> {
    let mut value = Vec::with_capacity(ended.len() * ENTRY_LEN);
    for (key, ends_at) in ended {
        let ends_at = ends_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        value.extend_from_slice(key);
        value.extend_from_slice(&ends_at.as_secs().to_be_bytes());
    }
    value
}

/// The sessions that would not have ended by themselves yet.
fn entries(value: &[u8], now: SystemTime) -> impl Iterator<Item = Entry> {
    let entry = |bytes: &[u8]| {
        let (key, ends_at) = bytes.split_first_chunk()?;
        let ends_at = Duration::from_secs(u64::from_be_bytes(ends_at.try_into().ok()?));
        Some((*key, SystemTime::UNIX_EPOCH.checked_add(ends_at)?))
    };
    value.chunks_exact(ENTRY_LEN).filter_map(entry).filter(move |(_, ends_at)| *ends_at > now)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use rmcp::model::{ClientCapabilities, Implementation, InitializeRequestParams};

    use super::*;
    use crate::{
        grant::{ManualClock, MemoryStore},
        http::session_binding::Binding,
    };

    fn session(number: u16, owner: u8, ends_at: SystemTime) -> Session {
        session_of(Binding::Caller([owner; 32]), number, ends_at)
    }

    fn session_of(binding: Binding, number: u16, ends_at: SystemTime) -> Session {
        let mut key = SessionKey::default();
        key[..2].copy_from_slice(&number.to_be_bytes());
        let info = Implementation::new("host", "1");
        Session {
            id: "id".into(),
            key,
            binding,
            ends_at,
            client: InitializeRequestParams::new(ClientCapabilities::default(), info),
        }
    }

    /// Two processes that share a store.
    fn replicas() -> ([EndedSessions; 2], Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        let records: Arc<dyn Records> = Arc::new(MemoryStore::with_clock(clock.clone()));
        let replica = || EndedSessions::new(Arc::clone(&records), clock.clone());
        ([replica(), replica()], clock)
    }

    #[tokio::test]
    async fn an_end_is_known_here_at_once_and_elsewhere_from_the_store() {
        let ([one, other], clock) = replicas();
        let ends_at = clock.now() + Duration::from_secs(60);
        let (ended, kept) = (session(1, 1, ends_at), session(2, 1, ends_at));
        assert_eq!(one.known(&ended), None, "nothing was read yet");
        assert!(!one.contains(&ended).await);
        assert_eq!(one.known(&ended), Some(false));
        one.insert(&ended).await.unwrap();
        one.insert(&ended).await.unwrap();
        assert_eq!((one.known(&ended), one.known(&kept)), (Some(true), Some(false)));
        assert!(one.contains(&ended).await, "whatever the store said before");
        assert!(other.contains(&ended).await && !other.contains(&kept).await);
        assert_eq!((other.known(&ended), other.known(&kept)), (Some(true), Some(false)));
        assert!(!other.contains(&session(1, 2, ends_at)).await, "that of another owner");
    }

    #[tokio::test]
    async fn the_ends_of_one_owner_are_bounded_and_forgotten_when_they_no_longer_matter() {
        let ([one, other], clock) = replicas();
        let ends_at = clock.now() + Duration::from_secs(60);
        let last = u16::try_from(MAX_ENDED_PER_OWNER + 9).unwrap();
        for number in 0..=last {
            one.insert(&session(number, 1, ends_at)).await.unwrap();
        }
        assert!(!other.contains(&session(9, 1, ends_at)).await);
        assert!(other.contains(&session(10, 1, ends_at)).await);
        assert!(other.contains(&session(last, 1, ends_at)).await);
        clock.advance(Duration::from_secs(60));
        one.insert(&session(1000, 1, ends_at + Duration::from_secs(1))).await.unwrap();
        let stored = one.records.read(ENDED, &base64url(&[1; 32])).await.unwrap().unwrap();
        assert_eq!(stored.value.len(), ENTRY_LEN);
    }

    #[tokio::test]
    async fn the_networks_of_one_site_do_not_make_it_forget_the_ends_of_others() {
        let ([one, other], clock) = replicas();
        let of = |address: IpAddr, number, minutes: u64| {
            let ends_at = clock.now() + Duration::from_mins(minutes);
            session_of(Binding::of_caller(None, Some(address)), number, ends_at)
        };
        let network = |site, net| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 0));
        let ended = [of(IpAddr::from([192, 0, 2, 1]), 1, 60), of(network(2, 0), 2, 60)];
        for session in &ended {
            one.insert(session).await.unwrap();
        }
        for net in 0..=u16::try_from(ENDED.max_records()).unwrap() {
            one.insert(&of(network(1, net), 3, 90)).await.unwrap();
        }
        for session in &ended {
            assert!(other.contains(session).await, "{:?}", session.key);
        }
    }

    #[test]
    fn other_bytes_are_no_entries() {
        let now = SystemTime::UNIX_EPOCH;
        for value in [&b""[..], &[0; ENTRY_LEN - 1], &[255; ENTRY_LEN], &[0; ENTRY_LEN]] {
            assert_eq!(entries(value, now).count(), 0, "{value:?}");
        }
    }
}
