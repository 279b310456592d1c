//! Documents in memory: the good ones, and why others cannot be used.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::error::DocumentError;
use crate::broker::client::Client;

/// The most documents that are cached.
const MAX_DOCUMENTS: usize = 1000;

/// A client, or why its document cannot be used.
pub(crate) type DocumentResult = Result<Client, DocumentError>;

/// The documents, by the identifier of their client.
#[derive(Default)]
pub(crate) struct DocumentCache(Mutex<HashMap<String, CachedDocument>>);

#[derive(Clone)]
pub(crate) struct CachedDocument {
    pub(crate) result: DocumentResult,
    /// When it was fetched.
    pub(crate) fetched_at: SystemTime,
    /// Until when it is used without another fetch.
    pub(crate) fresh_until: SystemTime,
    /// Whether it is in the store as well, because people use its client.
    pub(crate) is_stored: bool,
    used_at: SystemTime,
}

impl CachedDocument {
    pub(crate) fn new(
        result: DocumentResult,
        fetched_at: SystemTime,
        fresh_until: SystemTime,
        is_stored: bool,
    ) -> Self {
        Self { result, fetched_at, fresh_until, is_stored, used_at: fetched_at }
    }

    /// The same document, which is used until then without another fetch.
    pub(crate) fn until(self, fresh_until: SystemTime) -> Self {
        Self { fresh_until, ..self }
    }
}

impl DocumentCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, CachedDocument>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document, for a use at `now`.
    pub(crate) fn get(&self, id: &str, now: SystemTime) -> Option<CachedDocument> {
        let mut documents = self.lock();
        let found = documents.get_mut(id)?;
        found.used_at = now;
        Some(found.clone())
    }

    /// Caches a document. Where there is no room, it takes the place of one whose client nobody has
    /// signed in with, and among those of the least recently used.
    pub(crate) fn insert(&self, id: &str, mut document: CachedDocument, now: SystemTime) {
        let mut documents = self.lock();
        document.used_at = now;
        if documents.len() >= MAX_DOCUMENTS && !documents.contains_key(id) {
            let least = documents
                .iter()
                .min_by_key(|(_, document)| (document.is_stored, document.used_at))
                .map(|(id, _)| id.clone());
            least.and_then(|least| documents.remove(&least));
        }
        documents.insert(id.to_owned(), document);
    }

    /// Marks a document as one that is stored, and returns it if it was not.
    pub(crate) fn mark_stored(&self, id: &str) -> Option<CachedDocument> {
        let mut documents = self.lock();
        let found =
            documents.get_mut(id).filter(|found| !found.is_stored && found.result.is_ok())?;
        found.is_stored = true;
        Some(found.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn documents_that_people_use_are_not_evicted_by_others() {
        let cache = DocumentCache::default();
        let start = SystemTime::UNIX_EPOCH;
        let document = |is_stored| {
            let result = Err(DocumentError::invalid("x"));
            CachedDocument::new(result, start, start, is_stored)
        };
        cache.insert("https://claude.ai/client.json", document(true), start);
        for n in 0..5 * MAX_DOCUMENTS as u64 {
            let now = start + Duration::from_secs(n + 1);
            cache.insert(&format!("https://evil.example/{n}"), document(false), now);
        }
        assert_eq!(cache.lock().len(), MAX_DOCUMENTS);
        assert!(cache.get("https://claude.ai/client.json", start).is_some());
        assert!(cache.get("https://evil.example/4999", start).is_some());
        assert!(cache.get("https://evil.example/3", start).is_none());
    }
}
