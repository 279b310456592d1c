//! Key sets of clients, cached.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
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

type KeySetResult = Result<JwkSet, DocumentError>;

/// The key sets, by their URL.
#[derive(Default)]
pub(crate) struct KeySets(Mutex<HashMap<String, (KeySetResult, SystemTime)>>);

impl KeySets {
    /// The key set at `uri`, if it need not be fetched. `renew`: only if it was fetched just now.
    pub(crate) fn get(&self, uri: &str, now: SystemTime, renew: bool) -> Option<KeySetResult> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (result, fetched_at) = cached.get(uri)?;
        let ttl = if renew || result.is_err() { RENEWAL_INTERVAL } else { KEY_SET_TTL };
        (*fetched_at + ttl > now).then(|| result.clone())
    }

    /// Caches what was fetched. Where there is no room, the oldest makes it.
    pub(crate) fn insert(&self, uri: &str, result: KeySetResult, now: SystemTime) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_KEY_SETS && !cached.contains_key(uri) {
            let oldest = cached.iter().min_by_key(|(_, (_, fetched_at))| *fetched_at);
            let oldest = oldest.map(|(uri, _)| uri.clone());
            oldest.and_then(|oldest| cached.remove(&oldest));
        }
        cached.insert(uri.to_owned(), (result, now));
    }
}
