//! Caches bounded by weight, whose entries expire.
//!
//! They are of [`quick_cache`]: it is one crate, and always admits the newest entry and evicts older
//! ones, where the `TinyLFU` policy of moka may reject the newest.

use std::{
    borrow::Borrow,
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use quick_cache::{Weighter, sync};

use super::single_flight::SingleFlight;

/// A cache whose entries expire a fixed time after they were made. Clones share the entries.
pub(crate) struct Cache<K, V> {
    entries: Arc<sync::Cache<K, Entry<V>, EntryWeighter>>,
    ttl: Duration,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    weight: u64,
    expires_at: Instant,
}

#[derive(Clone, Copy)]
struct EntryWeighter;

impl<K, V> Weighter<K, Entry<V>> for EntryWeighter {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        entry.weight
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), ttl: self.ttl }
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// Holds entries of at most `max_weight` together, of which about `expected` will fit. An entry
    /// is not admitted if it weighs as much as a large part of them.
    pub(crate) fn weighted(max_weight: u64, expected: usize, ttl: Duration) -> Self {
        let entries = sync::Cache::with_weighter(expected, max_weight, EntryWeighter);
        Self { entries: Arc::new(entries), ttl }
    }

    /// Holds about `max_entries` entries.
    pub(crate) fn new(max_entries: usize, ttl: Duration) -> Self {
        Self::weighted(max_entries as u64, max_entries, ttl)
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.get(key)?;
        (entry.expires_at > Instant::now()).then_some(entry.value)
    }

    /// Inserts an entry of weight 1.
    #[cfg(any(feature = "broker", feature = "dev", test))]
    pub(crate) fn insert(&self, key: K, value: V) {
        self.insert_weighing(1, key, value);
    }

    pub(crate) fn insert_weighing(&self, weight: u64, key: K, value: V) {
        self.insert_made_at(Instant::now(), weight, key, value);
    }

    /// Inserts an entry that expires as if it had been inserted at `made_at`.
    fn insert_made_at(&self, made_at: Instant, weight: u64, key: K, value: V) {
        self.entries.insert(key, Entry { value, weight, expires_at: made_at + self.ttl });
    }

    /// The entries that have not expired, with the time that each has left.
    #[cfg(feature = "dev")]
    pub(crate) fn entries(&self) -> Vec<(K, V, Duration)>
    where
        K: Clone,
    {
        let now = Instant::now();
        let left = |entry: &Entry<V>| entry.expires_at.saturating_duration_since(now);
        let entries =
            self.entries.iter().map(|(key, entry)| (key, entry.value.clone(), left(&entry)));
        entries.filter(|(_, _, left)| !left.is_zero()).collect()
    }

    /// Inserts an entry of weight 1 that expires after `left`, and no later than a new one.
    #[cfg(feature = "dev")]
    pub(crate) fn insert_for(&self, left: Duration, key: K, value: V) {
        let expires_at = Instant::now() + left.min(self.ttl);
        self.entries.insert(key, Entry { value, weight: 1, expires_at });
    }

    /// Removes an entry, for one caller only.
    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (_, entry) = self.entries.remove(key)?;
        (entry.expires_at > Instant::now()).then_some(entry.value)
    }
}

/// A cache of what is fetched: concurrent callers share one fetch.
pub(crate) struct FetchCache<K, V> {
    cache: Cache<K, V>,
    fetches: SingleFlight<K, V>,
}

impl<K, V> FetchCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(cache: Cache<K, V>) -> Self {
        Self { cache, fetches: SingleFlight::default() }
    }

    /// The cached value.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.cache.get(key)
    }

    /// The cached value, or that of the fetch under way, or of the one that `fetch` begins.
    ///
    /// The fetch runs in a task of its own, so a caller that is cancelled leaves it to the others.
    /// All who waited have its value. It is then kept if `weigh` gives it a weight, and expires by
    /// the time at which the fetch began. `None`: the fetch panicked.
    pub(crate) async fn get_or_fetch<F>(
        &self,
        key: K,
        weigh: fn(&V) -> Option<u64>,
        fetch: impl FnOnce() -> F,
    ) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        if let Some(value) = self.cache.get(&key) {
            return Some(value);
        }
        let begin = || {
            // Another caller may have fetched it since.
            if let Some(value) = self.cache.get(&key) {
                return Err(value);
            }
            let (cache, key, fetch) = (self.cache.clone(), key.clone(), fetch());
            Ok(((), async move {
                let began = Instant::now();
                let value = fetch.await;
                if let Some(weight) = weigh(&value) {
                    cache.insert_made_at(began, weight, key, value.clone());
                }
                value
            }))
        };
        match self.fetches.join_or_start(&key, begin) {
            Ok(flight) => flight.outcome().await,
            Err(value) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const TTL: Duration = Duration::from_secs(60);

    #[test]
    fn the_newest_entry_is_always_admitted() {
        let cache = Cache::new(100, TTL);
        for n in 0..10_000 {
            cache.insert(n, n);
            assert_eq!(cache.get(&n), Some(n));
        }
        assert!(cache.entries.len() <= 100, "{}", cache.entries.len());
    }

    #[test]
    fn memory_is_bounded_by_weight() {
        let cache = Cache::weighted(1000, 10, TTL);
        for n in 0..100 {
            cache.insert_weighing(400, n, ());
        }
        assert!(cache.entries.weight() <= 1000);
        assert!(cache.get(&99).is_some());
    }

    #[test]
    fn an_entry_expires_and_is_removed_once() {
        let cache = Cache::new(9, TTL);
        let made_at = Instant::now().checked_sub(TTL).unwrap();
        cache.insert_made_at(made_at, 1, "a", 1);
        assert_eq!((cache.get("a"), cache.remove("a")), (None, None));
        cache.insert("a", 2);
        assert_eq!((cache.remove("a"), cache.remove("a")), (Some(2), None));
    }

    #[tokio::test]
    async fn concurrent_callers_share_a_fetch_and_only_lasting_values_are_kept() {
        let fetches = FetchCache::new(Cache::new(9, TTL));
        let count = Arc::new(AtomicU32::new(0));
        let get = |weigh| {
            let count = Arc::clone(&count);
            fetches.get_or_fetch("a", weigh, || async move {
                tokio::task::yield_now().await;
                count.fetch_add(1, Ordering::Relaxed)
            })
        };
        let all = tokio::join!(get(|_| None), get(|_| None), get(|_| None));
        assert_eq!(all, (Some(0), Some(0), Some(0)));
        let all = tokio::join!(get(|_| Some(1)), get(|_| Some(1)), get(|_| Some(1)));
        assert_eq!(all, (Some(1), Some(1), Some(1)), "the first value was not kept");
        assert_eq!(get(|_| Some(1)).await, Some(1), "the second one was");
    }
}
