//! Cache of what was fetched for clients: documents and key sets, the good ones, and why others cannot be
//! used.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::error::DocumentError;

/// The most values that are cached.
const MAX_CACHED: usize = 1000;

/// How long a failure is cached, and how long after it another fetch is tried.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// The values, by what they are fetched for.
pub(crate) struct Cache<T> {
    cached: Mutex<HashMap<String, Cached<T>>>,
    /// How long a good value is used that cannot be fetched again.
    max_stale: Duration,
}

/// A value, or why there is none.
#[derive(Clone)]
pub(crate) struct Cached<T> {
    pub(crate) result: Result<T, DocumentError>,
    /// When it was fetched.
    pub(crate) fetched_at: SystemTime,
    /// Until when it is used without another fetch.
    pub(crate) fresh_until: SystemTime,
    /// When the last fetch was tried.
    tried_at: SystemTime,
    /// Whether people use its client.
    pub(crate) is_in_use: bool,
    used_at: SystemTime,
}

impl<T> Cached<T> {
    pub(crate) fn new(
        result: Result<T, DocumentError>,
        fetched_at: SystemTime,
        fresh_until: SystemTime,
        is_in_use: bool,
    ) -> Self {
        let (tried_at, used_at) = (fetched_at, fetched_at);
        Self { result, fetched_at, fresh_until, tried_at, is_in_use, used_at }
    }

    /// Whether it is used without another fetch. `renew`: it lacks what is looked for.
    pub(crate) fn is_fresh(&self, now: SystemTime, renew: bool) -> bool {
        if renew { self.tried_at + RETRY_INTERVAL > now } else { self.fresh_until > now }
    }
}

impl<T: Clone> Cache<T> {
    /// `max_stale`: how long a good value is used that cannot be fetched again.
    pub(crate) fn new(max_stale: Duration) -> Self {
        Self { cached: Mutex::default(), max_stale }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Cached<T>>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it may be used, where it is good and cannot be fetched again.
    pub(crate) fn may_be_stale(&self, cached: &Cached<T>, now: SystemTime) -> bool {
        cached.fetched_at + self.max_stale > now
    }

    /// The value, for a use at `now`.
    pub(crate) fn get(&self, key: &str, now: SystemTime) -> Option<Cached<T>> {
        self.get_for(key, now, false)
    }

    /// The value, for a use at `now` by a client that people use, or another one.
    pub(crate) fn get_for(&self, key: &str, now: SystemTime, is_in_use: bool) -> Option<Cached<T>> {
        let mut cached = self.lock();
        let found = cached.get_mut(key)?;
        found.used_at = now;
        found.is_in_use |= is_in_use;
        Some(found.clone())
    }

    /// Caches a value. Where there is no room, it takes the place of one whose client nobody uses, and
    /// among those of the least recently used.
    pub(crate) fn insert(&self, key: &str, value: Cached<T>, now: SystemTime) {
        insert(&mut self.lock(), key, value, now);
    }

    /// Caches what was fetched, with how long it is used, and returns what is used from now on: a good
    /// value stays where it cannot be fetched again, and goes where its site says that there is another
    /// one, or none.
    pub(crate) fn renew(
        &self,
        key: &str,
        fetched: Result<(T, Duration), DocumentError>,
        now: SystemTime,
        is_in_use: bool,
    ) -> Cached<T> {
        let mut cached = self.lock();
        let before = cached.get(key);
        let is_in_use = is_in_use || before.is_some_and(|before| before.is_in_use);
        let good = before.filter(|before| before.result.is_ok() && self.may_be_stale(before, now));
        let retry_at = now + RETRY_INTERVAL;
        let renewed = match (fetched, good) {
            (Err(DocumentError::Unreachable { .. }), Some(good)) => {
                let fresh_until = good.fresh_until.max(retry_at);
                Cached { tried_at: now, fresh_until, is_in_use, ..good.clone() }
            }
            (Ok((value, ttl)), _) => Cached::new(Ok(value), now, now + ttl, is_in_use),
            (Err(error), _) => Cached::new(Err(error), now, retry_at, is_in_use),
        };
        insert(&mut cached, key, renewed.clone(), now);
        renewed
    }

    /// Marks a good value as one whose client people use, and returns it if it was not.
    pub(crate) fn mark_in_use(&self, key: &str) -> Option<Cached<T>> {
        let mut cached = self.lock();
        let found = cached.get_mut(key).filter(|found| !found.is_in_use && found.result.is_ok())?;
        found.is_in_use = true;
        Some(found.clone())
    }
}

fn insert<T>(
    cached: &mut HashMap<String, Cached<T>>,
    key: &str,
    mut value: Cached<T>,
    now: SystemTime,
) {
    value.used_at = now;
    if cached.len() >= MAX_CACHED && !cached.contains_key(key) {
        let least = cached
            .iter()
            .min_by_key(|(_, value)| (value.is_in_use, value.used_at))
            .map(|(key, _)| key.clone());
        least.and_then(|least| cached.remove(&least));
    }
    cached.insert(key.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;
    const URL: &str = "https://claude.ai/keys";
    const VALUE: Result<(&str, Duration), DocumentError> = Ok(("a", Duration::from_secs(3600)));

    fn cache() -> Cache<&'static str> {
        Cache::new(Duration::from_secs(24 * 3600))
    }

    fn unreachable() -> Result<(&'static str, Duration), DocumentError> {
        Err(DocumentError::Unreachable { host: "claude.ai".to_owned() })
    }

    fn after(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_good_value_stays_while_it_cannot_be_fetched_again() {
        let cache = cache();
        cache.renew(URL, VALUE, START, true).result.unwrap();
        cache.renew(URL, unreachable(), after(100), true).result.expect("for a made-up `kid`");
        let found = cache.get(URL, after(101)).unwrap();
        assert!(found.is_fresh(after(101), true), "the site is asked once a minute");
        assert!(!found.is_fresh(after(160), true) && found.is_fresh(after(3599), false));
        cache.renew(URL, unreachable(), after(4000), true).result.expect("for all that is known");
        let found = cache.get(URL, after(4001)).unwrap();
        assert!(found.is_fresh(after(4059), false) && !found.is_fresh(after(4060), false));
        cache.renew(URL, unreachable(), after(24 * 3600), true).result.expect_err("after a day");
        assert!(!cache.get(URL, after(24 * 3600 + 60)).unwrap().is_fresh(after(90_000), true));
    }

    #[test]
    fn what_is_withdrawn_is_not_used() {
        let cache = cache();
        cache.renew(URL, VALUE, START, true).result.unwrap();
        let withdrawn = DocumentError::invalid("its site answers 404");
        cache.renew(URL, Err(withdrawn), after(100), true).result.unwrap_err();
        cache.get(URL, after(101)).unwrap().result.unwrap_err();
    }

    #[test]
    fn a_good_value_is_marked_once() {
        let cache = cache();
        assert!(cache.mark_in_use(URL).is_none(), "there is none");
        cache.renew(URL, unreachable(), START, false);
        assert!(cache.mark_in_use(URL).is_none(), "it is not good");
        cache.renew(URL, VALUE, START, false);
        assert!(cache.mark_in_use(URL).is_some_and(|marked| marked.is_in_use));
        assert!(cache.mark_in_use(URL).is_none(), "it was marked before");
        assert!(cache.renew(URL, VALUE, START, false).is_in_use);
    }

    #[test]
    fn values_that_people_use_are_not_evicted_by_others() {
        let cache = cache();
        let used_later = "https://claude.ai/client.json";
        cache.renew(URL, VALUE, START, true);
        cache.renew(used_later, VALUE, START, false);
        cache.get_for(used_later, START, true).unwrap();
        for n in 0..5 * MAX_CACHED as u64 {
            cache.renew(&format!("https://evil.example/{n}"), VALUE, after(n + 1), false);
        }
        assert_eq!(cache.lock().len(), MAX_CACHED);
        assert!(cache.get(URL, after(1)).is_some() && cache.get(used_later, after(1)).is_some());
        assert!(cache.get("https://evil.example/4999", after(1)).is_some());
        assert!(cache.get("https://evil.example/3", after(1)).is_none());
    }
}
