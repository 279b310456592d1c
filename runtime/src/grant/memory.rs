//! In-memory store: for tests, and for servers whose grants need not outlive them.

use std::{
    any::Any,
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    handed_over::{HandedOver, PassedOn},
    master_key::MasterKey,
    model::{Grant, GrantKey, Revision, Stored},
    record_table::RecordTable,
    records::{MAX_RECORD_BYTES, Namespace, Records},
    seal::Sealer,
    store::{GrantStore, HolderId, Lease, MAX_LEASE_TTL, MAX_PENDING, MAX_PENDING_BYTES},
    store_error::{SaveError, StoreError},
    watchers::{Watch, Watchers, record_id},
};
use crate::support::clock::{Clock, SystemClock};

/// How long a waiter waits, at most: nothing changes without this store.
const WATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// A [`GrantStore`] in memory.
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
    tables: Mutex<Tables>,
    /// Its key is new, as the store is, unless it is given one.
    sealer: OnceLock<Sealer>,
    watchers: Watchers,
    pub(super) passed_on: PassedOn,
}

#[derive(Default)]
pub(super) struct Tables {
    /// The revision of the last write.
    pub(super) revision: u64,
    pub(super) grants: HashMap<GrantKey, Stored<Grant>>,
    pub(super) leases: HashMap<GrantKey, Lease>,
    pub(super) pending: RecordTable,
    pub(super) records: HashMap<Cow<'static, str>, RecordTable>,
    /// What the next program knows of them, in development.
    pub(super) handed_over: Option<HandedOver>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// Creates an empty store with time from `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            tables: Mutex::default(),
            sealer: OnceLock::new(),
            watchers: Watchers::default(),
            passed_on: PassedOn::default(),
        }
    }

    /// Gives the store its key, unless it has one.
    pub(crate) fn use_key(&self, key: &MasterKey) {
        let _ = self.sealer.set(Sealer::new(key));
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        // No write leaves the tables inconsistent, so a panic does not matter.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change. After a hand-over it ends when the next program knows the change.
    async fn change<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        let (changed, late) = {
            let mut tables = self.tables();
            let changed = change(&mut tables);
            (changed, tables.handed_over.is_some().then_some(tables.revision))
        };
        if let Some(revision) = late {
            self.passed_on.reaches(revision).await;
        }
        changed
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
            .field("grants", &self.tables().grants.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    fn in_memory(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(self)
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        Ok(self.tables().grants.get(key).cloned())
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        self.change(|tables| {
            let found = tables.grants.get(key).map_or(Revision::ABSENT, |stored| stored.revision);
            if found != expected {
                return Err(SaveError::Conflict);
            }
            tables.revision += 1;
            let revision = Revision(tables.revision);
            tables.grants.insert(key.clone(), Stored { value: grant.clone(), revision });
            Ok(revision)
        })
        .await
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.change(|tables| {
            tables.revision += 1;
            tables.grants.remove(key);
        })
        .await;
        Ok(())
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        let mut keys: Vec<_> =
            self.tables().grants.keys().filter(|key| key.subject == subject).cloned().collect();
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
        let mut tables = self.tables();
        let taken = tables.leases.get(key).is_some_and(|lease| {
            lease.holder != holder
                && lease.expires_at > now
                && lease.expires_at <= now + MAX_LEASE_TTL
        });
        if taken {
            return Ok(None);
        }
        let lease = Lease::new(key.clone(), holder, now + term.min(MAX_LEASE_TTL));
        tables.leases.insert(key.clone(), lease.clone());
        Ok(Some(lease))
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.leases.get(&lease.key).is_some_and(|held| held.holder == lease.holder) {
            tables.leases.remove(&lease.key);
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
        self.change(|tables| {
            tables.pending.remove_expired(now);
            let is_new = tables.pending.get(id, now).is_none();
            if value.len() > MAX_PENDING_BYTES || is_new && tables.pending.len() >= MAX_PENDING {
                return Err(StoreError::Full);
            }
            tables.revision += 1;
            let revision = Revision(tables.revision);
            let value = Zeroizing::new(value.to_vec());
            tables.pending.insert(id, Stored { value, revision }, expires_at);
            Ok(())
        })
        .await
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let now = self.clock.now();
        let taken = self.change(|tables| {
            tables.revision += 1;
            tables.pending.remove(id, now)
        });
        Ok(taken.await.map(|mut stored| std::mem::take(&mut *stored.value)))
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let now = self.clock.now();
        Ok(self.tables().pending.get(id, now).map(|stored| stored.value.to_vec()))
    }
}

#[async_trait]
impl Records for MemoryStore {
    fn sealer(&self) -> &Sealer {
        self.sealer.get_or_init(|| Sealer::new(&MasterKey::generate()))
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        let now = self.clock.now();
        let tables = self.tables();
        Ok(tables.records.get(namespace.name).and_then(|table| table.get(key, now)).cloned())
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
        let written = self.change(|tables| {
            tables.revision += 1;
            let revision = Revision(tables.revision);
            let table = tables.records.entry(namespace.name.into()).or_default();
            if table.revision(key, now) != expected {
                return Err(SaveError::Conflict);
            }
            if value.len() > MAX_RECORD_BYTES {
                return Err(StoreError::Full.into());
            }
            if expected == Revision::ABSENT {
                table.remove_expired(now);
                if table.len() >= namespace.max_records {
                    if !namespace.evicts {
                        return Err(StoreError::Full.into());
                    }
                    table.remove_first();
                }
            }
            let value = Zeroizing::new(value.to_vec());
            table.insert(key, Stored { value, revision }, expires_at);
            self.changed(namespace, key);
            Ok(revision)
        });
        written.await
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let now = self.clock.now();
        let taken = self.change(|tables| {
            tables.revision += 1;
            let table = tables.records.get_mut(namespace.name);
            let taken = table.and_then(|table| table.remove(key, now)).map(|stored| stored.value);
            self.changed(namespace, key);
            taken
        });
        Ok(taken.await)
    }

    fn watch(&self, namespace: Namespace, key: &str, _: Duration) -> Watch {
        self.watchers.watch(record_id(namespace.name, key), WATCH_TIMEOUT)
    }
}

impl MemoryStore {
    fn changed(&self, namespace: Namespace, key: &str) {
        if namespace.is_watched {
            self.wake(namespace.name, key);
        }
    }

    /// Wakes those who wait for a change of this record.
    pub(super) fn wake(&self, namespace: &str, key: &str) {
        self.watchers.wake(&record_id(namespace, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{ManualClock, contract};

    #[tokio::test]
    async fn keeps_the_contract() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        contract::holds(&store, &clock).await;
        contract::records_hold(&store, &clock).await;
    }
}
