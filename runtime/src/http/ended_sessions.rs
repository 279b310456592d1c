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
    grant::{Namespace, Records, Revision, SaveError, StoreError},
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

/// How often a write is tried that others come before.
const MAX_ATTEMPTS: usize = 8;

const ENTRY_LEN: usize = size_of::<SessionKey>() + 8;

/// The ended sessions of a server.
pub(super) struct EndedSessions {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// The ended sessions of an owner, as the store had them.
    stored: FetchCache<[u8; 32], Arc<[SessionKey]>>,
    /// The sessions that ended here, until the cache above was read again.
    here: Cache<SessionKey, ()>,
}

/// A session that ended, and when it would have ended by itself.
type Entry = (SessionKey, SystemTime);

impl EndedSessions {
    pub(super) fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self {
            records,
            clock,
            stored: FetchCache::new(Cache::new(MAX_CACHED, END_SEEN_WITHIN)),
            here: Cache::new(MAX_CACHED, 2 * END_SEEN_WITHIN),
        }
    }

    /// Whether the session was ended, if that is known without the store.
    pub(super) fn known(&self, session: &Session) -> Option<bool> {
        if self.here.get(&session.key).is_some() {
            return Some(true);
        }
        let ended = self.stored.get(&session.binding.digest())?;
        Some(ended.contains(&session.key))
    }

    /// Whether the session was ended. While the store cannot be read, it was not: the caller's token
    /// decides what the caller may do, with a session or without one.
    pub(super) async fn contains(&self, session: &Session) -> bool {
        let owner = session.binding.digest();
        let (records, now) = (Arc::clone(&self.records), self.clock.now());
        let fetch = || async move {
            match records.read(ENDED, &base64url(&owner)).await {
                Ok(Some(stored)) => entries(&stored.value, now).map(|(key, _)| key).collect(),
                Ok(None) => Arc::default(),
                Err(error) => {
                    tracing::error!(target: "toolgate::gate", %error, "the ended sessions cannot be read");
                    Arc::default()
                }
            }
        };
        let ended = self.stored.get_or_fetch(owner, |_| Some(1), fetch).await;
        ended.is_some_and(|ended| ended.contains(&session.key))
    }

    /// Remembers that the session was ended, as long as it would have lasted.
    pub(super) async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.here.insert_weighing(1, session.key, ());
        let key = base64url(&session.binding.digest());
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.records.read(ENDED, &key).await?;
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
            match self.records.write(ENDED, &key, &value, until, revision).await {
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
