//! Grants in memory: for tests, and for servers whose grants need not outlive them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    Clock, Grant, GrantKey, GrantStore, HolderId, Lease, Namespace, Records, Revision, SaveError,
    StoreError, Stored, SystemClock,
    records::RECORD_BYTES,
    store::{LONGEST_LEASE, PENDING_BYTES, PENDING_ROWS},
};

/// A [`GrantStore`] that forgets everything when it is dropped.
///
/// ```
/// use toolgate::grant::{GrantKey, GrantStore, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), toolgate::grant::StoreError> {
/// let store = MemoryStore::new();
/// assert!(store.load(&GrantKey::new("alice", "forge")).await?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The last revision that any row was given.
    revision: u64,
    grants: HashMap<GrantKey, Stored<Grant>>,
    leases: HashMap<GrantKey, Lease>,
    pending: HashMap<String, (Zeroizing<Vec<u8>>, SystemTime)>,
    records: HashMap<&'static str, HashMap<String, Record>>,
}

struct Record {
    stored: Stored<Zeroizing<Vec<u8>>>,
    expires_at: SystemTime,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose leases and consents expire by `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No write below leaves anything half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("grants", &self.inner().grants.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        Ok(self.inner().grants.get(key).cloned())
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let mut inner = self.inner();
        let found = inner.grants.get(key).map_or(Revision::ABSENT, |stored| stored.revision);
        if found != expected {
            return Err(SaveError::Conflict);
        }
        inner.revision += 1;
        let revision = Revision(inner.revision);
        inner.grants.insert(key.clone(), Stored { value: grant.clone(), revision });
        Ok(revision)
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.inner().grants.remove(key);
        Ok(())
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let mut keys: Vec<_> =
            self.inner().grants.keys().filter(|key| key.subject == subject).cloned().collect();
        keys.sort();
        Ok(keys)
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        let taken = inner.leases.get(key).is_some_and(|lease| {
            lease.holder != holder
                && lease.expires_at > now
                && lease.expires_at <= now + LONGEST_LEASE
        });
        if taken {
            return Ok(None);
        }
        let lease = Lease::new(key.clone(), holder, now + term.min(LONGEST_LEASE));
        inner.leases.insert(key.clone(), lease.clone());
        Ok(Some(lease))
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if inner.leases.get(&lease.key).is_some_and(|held| held.holder == lease.holder) {
            inner.leases.remove(&lease.key);
        }
        Ok(())
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.pending.retain(|_, (_, until)| *until > now);
        if value.len() > PENDING_BYTES
            || (inner.pending.len() >= PENDING_ROWS && !inner.pending.contains_key(id))
        {
            return Err(StoreError::Full);
        }
        inner.pending.insert(id.to_owned(), (Zeroizing::new(value.to_vec()), expires_at));
        Ok(())
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let now = self.clock.now();
        let taken = self.inner().pending.remove(id);
        Ok(taken
            .filter(|(_, until)| *until > now)
            .map(|(mut value, _)| std::mem::take(&mut *value)))
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let now = self.clock.now();
        let inner = self.inner();
        Ok(inner.pending.get(id).filter(|(_, until)| *until > now).map(|(value, _)| value.to_vec()))
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let now = self.clock.now();
        let inner = self.inner();
        let found = inner.records.get(namespace.name).and_then(|records| records.get(key));
        Ok(found.filter(|record| record.expires_at > now).map(|record| record.stored.clone()))
    }

    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        inner.revision += 1;
        let revision = Revision(inner.revision);
        let records = inner.records.entry(namespace.name).or_default();
        if expected == Revision::ABSENT {
            records.retain(|_, record| record.expires_at > now);
        }
        let found = records.get(key).filter(|record| record.expires_at > now);
        if found.map_or(Revision::ABSENT, |record| record.stored.revision) != expected {
            return Err(SaveError::Conflict);
        }
        let is_new = found.is_none();
        if value.len() > RECORD_BYTES || is_new && records.len() >= namespace.most {
            return Err(StoreError::Full.into());
        }
        let stored = Stored { value: Zeroizing::new(value.to_vec()), revision };
        records.insert(key.to_owned(), Record { stored, expires_at });
        Ok(revision)
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        let taken = inner.records.get_mut(namespace.name).and_then(|records| records.remove(key));
        Ok(taken.filter(|record| record.expires_at > now).map(|record| record.stored.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{ManualClock, contract};

    #[tokio::test]
    async fn holds_the_contract() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        contract::holds(&store, &clock).await;
        contract::records_hold(&store, &clock).await;
    }
}
