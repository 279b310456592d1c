//! Key sets of clients in memory: the good ones, and why others cannot be used.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use jsonwebtoken::jwk::JwkSet;

use super::error::DocumentError;

/// The most key sets that are cached.
const MAX_KEY_SETS: usize = 1000;

/// How long a key set is used without another fetch.
const KEY_SET_TTL: Duration = Duration::from_secs(3600);

/// How long a failure is cached, and how often keys are fetched at most for a `kid` that is unknown.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(60);

/// How long good keys are used that cannot be fetched again.
const MAX_STALE_KEYS: Duration = Duration::from_secs(24 * 3600);

pub(crate) type KeySetResult = Result<JwkSet, DocumentError>;

/// The key sets, by their URL.
#[derive(Default)]
pub(crate) struct KeySets(Mutex<HashMap<String, CachedKeySet>>);

#[derive(Clone)]
pub(crate) struct CachedKeySet {
    pub(crate) result: KeySetResult,
    /// When it was fetched.
    fetched_at: SystemTime,
    /// When the last fetch was tried.
    tried_at: SystemTime,
    /// Until when it is used without another fetch, for a `kid` that is known.
    fresh_until: SystemTime,
    /// Whether people use a client with these keys.
    is_in_use: bool,
    used_at: SystemTime,
}

impl CachedKeySet {
    /// Whether it is used without another fetch. `renew`: it lacks a key.
    pub(crate) fn is_fresh(&self, now: SystemTime, renew: bool) -> bool {
        if renew { self.tried_at + RENEWAL_INTERVAL > now } else { self.fresh_until > now }
    }

    /// The keys, while they are used although they cannot be fetched again.
    pub(crate) fn good(&self, now: SystemTime) -> Option<&JwkSet> {
        self.result.as_ref().ok().filter(|_| self.fetched_at + MAX_STALE_KEYS > now)
    }
}

impl KeySets {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, CachedKeySet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key set at `uri`, for a use at `now` by a client that people use, or another one.
    pub(crate) fn get(&self, uri: &str, now: SystemTime, is_in_use: bool) -> Option<CachedKeySet> {
        let mut cached = self.lock();
        let found = cached.get_mut(uri)?;
        found.used_at = now;
        found.is_in_use |= is_in_use;
        Some(found.clone())
    }

    /// Caches what was fetched, and returns what is used from now on: good keys stay where they cannot
    /// be fetched again. Where there is no room, the least recently used of those that nobody uses make
    /// it.
    pub(crate) fn insert(
        &self,
        uri: &str,
        fetched: KeySetResult,
        now: SystemTime,
        is_in_use: bool,
    ) -> KeySetResult {
        let mut cached = self.lock();
        let before = cached.get(uri);
        let is_in_use = is_in_use || before.is_some_and(|before| before.is_in_use);
        let good = before.filter(|before| before.good(now).is_some());
        let (tried_at, used_at) = (now, now);
        let key_set = match (fetched, good) {
            (Err(DocumentError::Unreachable { .. }), Some(good)) => CachedKeySet {
                tried_at,
                used_at,
                fresh_until: good.fresh_until.max(now + RENEWAL_INTERVAL),
                is_in_use,
                ..good.clone()
            },
            (result, _) => {
                let ttl = if result.is_ok() { KEY_SET_TTL } else { RENEWAL_INTERVAL };
                let fresh_until = now + ttl;
                CachedKeySet { result, fetched_at: now, tried_at, fresh_until, is_in_use, used_at }
            }
        };
        let result = key_set.result.clone();
        if cached.len() >= MAX_KEY_SETS && !cached.contains_key(uri) {
            let least = cached
                .iter()
                .min_by_key(|(_, key_set)| (key_set.is_in_use, key_set.used_at))
                .map(|(uri, _)| uri.clone());
            least.and_then(|least| cached.remove(&least));
        }
        cached.insert(uri.to_owned(), key_set);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;
    const URI: &str = "https://claude.ai/keys";

    const KEYS: KeySetResult = Ok(JwkSet { keys: Vec::new() });

    fn unreachable() -> KeySetResult {
        Err(DocumentError::Unreachable { host: "claude.ai".to_owned() })
    }

    fn after(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn good_keys_stay_while_they_cannot_be_fetched_again() {
        let cache = KeySets::default();
        cache.insert(URI, KEYS, START, true).unwrap();
        cache.insert(URI, unreachable(), after(100), true).expect("for a made-up `kid`");
        let found = cache.get(URI, after(101), true).unwrap();
        assert!(found.is_fresh(after(101), true), "the site is asked once a minute");
        assert!(!found.is_fresh(after(160), true) && found.is_fresh(after(3599), false));
        cache.insert(URI, unreachable(), after(4000), true).expect("for all that people know");
        let found = cache.get(URI, after(4001), true).unwrap();
        assert!(found.is_fresh(after(4059), false) && !found.is_fresh(after(4060), false));
        cache.insert(URI, unreachable(), after(24 * 3600), true).expect_err("after a day");
        assert!(
            !cache.get(URI, after(24 * 3600 + 60), true).unwrap().is_fresh(after(90_000), true)
        );
    }

    #[test]
    fn keys_that_are_withdrawn_are_not_used() {
        let cache = KeySets::default();
        cache.insert(URI, KEYS, START, true).unwrap();
        let withdrawn = DocumentError::invalid("its site answers 404");
        cache.insert(URI, Err(withdrawn), after(100), true).unwrap_err();
        cache.get(URI, after(101), true).unwrap().result.unwrap_err();
    }

    #[test]
    fn keys_of_clients_that_people_use_are_not_evicted_by_others() {
        let cache = KeySets::default();
        cache.insert(URI, KEYS, START, true).unwrap();
        for n in 0..5 * MAX_KEY_SETS as u64 {
            let uri = format!("https://evil.example/{n}");
            cache.insert(&uri, KEYS, after(n + 1), false).unwrap();
        }
        assert_eq!(cache.lock().len(), MAX_KEY_SETS);
        assert!(cache.get(URI, after(1), false).is_some());
        assert!(cache.get("https://evil.example/4999", after(1), false).is_some());
        assert!(cache.get("https://evil.example/3", after(1), false).is_none());
    }
}
