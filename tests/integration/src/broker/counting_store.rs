//! A store in memory that counts its records and the uses of its grants, and fails where a test wants it to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use toolgate::grant::{
    Clock as _, Grant, GrantKey, GrantStore, HolderId, Lease, ManualClock, MemoryStore, Namespace,
    Records, Revision, SaveError, Sealer, StoreError, Stored,
};
use zeroize::Zeroizing;

/// A [`MemoryStore`] that counts records and the uses of grants, and fails on demand.
pub struct CountingStore {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each record expires, by namespace and key.
    live: BTreeMap<&'static str, BTreeMap<String, SystemTime>>,
    /// The namespaces that take no new record.
    full: BTreeSet<&'static str>,
    /// The writes to a namespace that pass until one fails.
    fails_after: Option<(&'static str, usize)>,
    uses: Uses,
}

/// How often grants were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Grants that were loaded.
    pub reads: u64,
    /// Grants that were saved, and leases that were taken and released.
    pub writes: u64,
}

impl CountingStore {
    /// Creates an empty store with time from `clock`.
    pub fn new(clock: &Arc<ManualClock>) -> Self {
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        Self { store, clock: Arc::clone(clock), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records of a namespace have not expired.
    pub fn records_of(&self, namespace: &str) -> usize {
        let now = self.clock.now();
        let state = self.state();
        let found = state.live.get(namespace);
        found.map_or(0, |records| records.values().filter(|end| **end > now).count())
    }

    /// How often grants were used since this was last asked.
    pub fn take_uses(&self) -> Uses {
        std::mem::take(&mut self.state().uses)
    }

    /// Refuses new records of this namespace, as if it were full.
    pub fn fill(&self, namespace: &'static str) {
        self.state().full.insert(namespace);
    }

    /// Fails every write to this namespace after the next `writes`.
    pub fn fail_after(&self, namespace: &'static str, writes: usize) {
        self.state().fails_after = Some((namespace, writes));
    }

    /// Writes succeed again.
    pub fn recover(&self) {
        let mut state = self.state();
        state.fails_after = None;
        state.full.clear();
    }
}

#[async_trait]
impl Records for CountingStore {
    fn sealer(&self) -> &Sealer {
        self.store.sealer()
    }

    async fn read(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Stored<Zeroizing<Vec<u8>>>>, StoreError> {
        Records::read(&*self.store, namespace, key).await
    }

    async fn write(
        &self,
        namespace: Namespace,
        key: &str,
        value: &[u8],
        expires_at: SystemTime,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        {
            let mut state = self.state();
            if expected == Revision::ABSENT && state.full.contains(namespace.name()) {
                return Err(StoreError::Full.into());
            }
            if let Some((failing, left)) = &mut state.fails_after
                && *failing == namespace.name()
            {
                if *left == 0 {
                    let error = std::io::Error::other("the disk of the test is gone");
                    return Err(StoreError::unavailable("writing a record", error).into());
                }
                *left -= 1;
            }
        }
        let written = self.store.write(namespace, key, value, expires_at, expected).await?;
        let mut state = self.state();
        state.live.entry(namespace.name()).or_default().insert(key.to_owned(), expires_at);
        Ok(written)
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.state().live.entry(namespace.name()).or_default().remove(key);
        self.store.take(namespace, key).await
    }
}

#[async_trait]
impl GrantStore for CountingStore {
    fn records(self: Arc<Self>) -> Option<Arc<dyn Records>> {
        Some(self)
    }

    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        self.state().uses.reads += 1;
        self.store.load(key).await
    }

    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        self.state().uses.writes += 1;
        self.store.save(key, grant, expected).await
    }

    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.store.remove(key).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        self.store.list(subject).await
    }

    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        self.state().uses.writes += 1;
        self.store.lease(key, holder, term).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.state().uses.writes += 1;
        self.store.release(lease).await
    }

    async fn put_pending(
        &self,
        id: &str,
        value: &[u8],
        expires_at: SystemTime,
    ) -> Result<(), StoreError> {
        self.store.put_pending(id, value, expires_at).await
    }

    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.take_pending(id).await
    }

    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.peek_pending(id).await
    }
}
