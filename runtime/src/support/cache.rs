//! What is remembered for a while, and never more than so much of it.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

/// Remembers values by their keys, each for the same time; when it is full, the oldest goes.
pub(crate) struct Cache<K, V> {
    most: usize,
    life: Duration,
    /// What is asked for lives on.
    renews: bool,
    kept: Mutex<Kept<K, V>>,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// Remembers at most so many, each for so long after it came.
    pub(crate) fn new(most: usize, life: Duration) -> Self {
        Self { most, life, renews: false, kept: Mutex::default() }
    }

    /// Remembers each for so long after it was asked for.
    pub(crate) fn while_asked(life: Duration) -> Self {
        Self { renews: true, ..Self::new(usize::MAX, life) }
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.kept().get(key, Instant::now()).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.kept().insert(key, value, Instant::now(), self);
    }

    /// Is the key new? Then it is remembered.
    pub(crate) fn insert_new(&self, key: K, value: V) -> bool {
        let (mut kept, now) = (self.kept(), Instant::now());
        let is_new = kept.get(&key, now).is_none();
        if is_new {
            kept.insert(key, value, now, self);
        }
        is_new
    }

    pub(crate) fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V {
        let (mut kept, now) = (self.kept(), Instant::now());
        let found = kept.get(&key, now).cloned();
        let is_new = found.is_none();
        let value = found.unwrap_or_else(make);
        if is_new || self.renews {
            kept.insert(key, value.clone(), now, self);
        }
        value
    }

    #[cfg(any(feature = "dev", test))]
    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut kept = self.kept();
        let is_there = kept.get(key, Instant::now()).is_some();
        kept.remove(key).filter(|_| is_there)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When an entry ends; the number tells those of one moment apart.
type End = (Instant, u64);

struct Kept<K, V> {
    values: HashMap<K, (V, End)>,
    ends: BTreeMap<End, K>,
    came: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), ends: BTreeMap::new(), came: 0 }
    }
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q, now: Instant) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (value, (end, _)) = self.values.get(key)?;
        (*end > now).then_some(value)
    }

    fn insert(&mut self, key: K, value: V, now: Instant, limits: &Cache<K, V>) {
        self.remove(&key);
        while let Some(oldest) = self.ends.first_entry()
            && (oldest.key().0 <= now || self.values.len() >= limits.most)
        {
            self.values.remove(&oldest.remove());
        }
        self.came += 1;
        let end = (now + limits.life, self.came);
        self.ends.insert(end, key.clone());
        self.values.insert(key, (value, end));
    }

    fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (value, end) = self.values.remove(key)?;
        self.ends.remove(&end);
        Some(value)
    }
}

/// Remembers answers, and asks once for however many want one at the same time.
pub(crate) struct Answers<K, V>(Cache<K, Arc<OnceCell<V>>>);

impl<K: Hash + Eq + Clone, V: Clone> Answers<K, V> {
    /// Remembers at most so many, each for so long after it was asked for first.
    pub(crate) fn new(most: usize, life: Duration) -> Self {
        Self(Cache::new(most, life))
    }

    /// The answer. All who waited for it have it, and after them it is forgotten unless it `lasts`.
    /// When who asks goes away, the next who waits asks anew.
    pub(crate) async fn get(
        &self,
        key: K,
        lasts: impl Fn(&V) -> bool,
        ask: impl Future<Output = V>,
    ) -> V {
        let cell = self.0.get_or_insert_with(key.clone(), Arc::default);
        let answer = cell.get_or_init(|| ask).await.clone();
        if !lasts(&answer) {
            let mut kept = self.0.kept();
            if kept.values.get(&key).is_some_and(|(found, _)| Arc::ptr_eq(found, &cell)) {
                kept.remove(&key);
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    #[test]
    fn the_oldest_goes_and_nothing_is_kept_beside() {
        let cache = Cache::new(2, LIFE);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            cache.insert(key, value);
        }
        assert_eq!([cache.get("a"), cache.get("b"), cache.get("c")], [Some(3), None, Some(4)]);
        assert!(!cache.insert_new("c", 5));
        assert_eq!(cache.remove("c"), Some(4));
        assert!(cache.insert_new("c", 5));
        let kept = cache.kept();
        assert_eq!((kept.values.len(), kept.ends.len()), (2, 2));
    }

    #[test]
    fn everything_ends() {
        let cache = Cache::<_, ()>::new(9, LIFE);
        let mut kept = cache.kept();
        let start = Instant::now();
        kept.insert("a", (), start, &cache);
        assert!(kept.get("a", start + LIFE * 9 / 10).is_some());
        assert!(kept.get("a", start + LIFE).is_none());
        kept.insert("b", (), start + LIFE, &cache);
        assert_eq!((kept.values.len(), kept.ends.len()), (1, 1), "what has ended takes no room");
    }

    #[test]
    fn what_is_asked_for_lives_on() {
        let cache = Cache::while_asked(LIFE);
        let end = || cache.kept().ends.keys().next().copied();
        cache.get_or_insert_with("a", || 1);
        let first = end();
        assert_eq!(cache.get_or_insert_with("a", || 2), 1);
        assert!(end() > first);
        assert_eq!(cache.kept().ends.len(), 1);
    }

    #[tokio::test]
    async fn one_asks_and_all_have_the_answer() {
        let (answers, asked) = (Answers::new(9, LIFE), AtomicU32::new(0));
        let get = |lasts: bool| {
            let ask = async {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::Relaxed)
            };
            answers.get("a", move |_| lasts, ask)
        };
        let (one, two, three) = tokio::join!(get(false), get(false), get(false));
        assert_eq!([one, two, three], [0; 3], "they asked together");
        let (one, two, three) = tokio::join!(get(true), get(true), get(true));
        assert_eq!([one, two, three], [1; 3], "the first answer did not last");
        assert_eq!(answers.get("a", |_| true, async { 9 }).await, 1);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_question_to_the_next() {
        let answers = Answers::new(9, LIFE);
        let gone = answers.get("a", |_| true, std::future::pending());
        assert!(tokio::time::timeout(Duration::from_millis(5), gone).await.is_err());
        assert_eq!(answers.get("a", |_| true, async { 1 }).await, 1);
    }
}
