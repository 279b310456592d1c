//! Client ID metadata documents: a client whose identifier is the URL of its metadata.
//!
//! Documents are cached, failures too, and each is fetched once by all who need it.

pub(crate) mod fetch;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use url::Url;

use self::fetch::DocumentFetcher;
use super::client::{Client, ClientError};
use crate::{
    browser::request_limit::RequestLimit, error::ConfigError, grant::Clock,
    support::background as task,
};

/// How long a failure is cached.
const FAILURE_TTL: Duration = Duration::from_secs(60);

/// The most documents that are cached.
const MAX_DOCUMENTS: usize = 1000;

/// A client, or why its document cannot be used.
type DocumentResult = Result<Client, String>;
type SharedFetch = Shared<BoxFuture<'static, DocumentResult>>;

/// The documents of clients, fetched and cached.
pub(crate) struct ClientDocuments(Arc<DocumentCache>);

struct DocumentCache {
    fetcher: DocumentFetcher,
    clock: Arc<dyn Clock>,
    cached: Mutex<HashMap<String, CachedDocument>>,
    fetches: Mutex<HashMap<String, SharedFetch>>,
}

struct CachedDocument {
    result: DocumentResult,
    expires_at: SystemTime,
}

impl ClientDocuments {
    /// `loopback`: whether this machine may be fetched from as well. `schemes`: the private-use
    /// schemes that redirect URIs may have.
    pub(crate) fn new(
        loopback: bool,
        schemes: Vec<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(DocumentCache {
            fetcher: DocumentFetcher::new(loopback, schemes)?,
            clock,
            cached: Mutex::default(),
            fetches: Mutex::default(),
        })))
    }

    /// The client whose document is at `id`. `limit` counts requests of `address` that need a fetch.
    pub(crate) async fn client(
        &self,
        id: &str,
        address: Option<IpAddr>,
        limit: &RequestLimit,
    ) -> Result<Client, ClientError> {
        let url = self.0.fetcher.check_url(id).map_err(ClientError::Document)?;
        if let Some(cached) = self.0.cached(id) {
            return cached.map_err(ClientError::Document);
        }
        let fetch = {
            let mut fetches = lock(&self.0.fetches);
            if let Some(fetch) = fetches.get(id) {
                fetch.clone()
            } else {
                limit.check(address).map_err(ClientError::TooManyRequests)?;
                let guard = CleanupGuard { cache: Arc::clone(&self.0), id: id.to_owned() };
                // A task of its own: a request that waits for it may be cancelled.
                let task = task::spawn(async move { guard.cache.fetch(&guard.id, url).await });
                let fetch = task.map(|end| end.unwrap_or(Err("the fetch was aborted".to_owned())));
                let fetch = fetch.boxed().shared();
                fetches.insert(id.to_owned(), fetch.clone());
                fetch
            }
        };
        fetch.await.map_err(ClientError::Document)
    }
}

/// Removes a fetch from the list when it ends, also by a panic.
struct CleanupGuard {
    cache: Arc<DocumentCache>,
    id: String,
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        lock(&self.cache.fetches).remove(&self.id);
    }
}

impl DocumentCache {
    fn cached(&self, id: &str) -> Option<DocumentResult> {
        let now = self.clock.now();
        let cached = lock(&self.cached);
        cached.get(id).filter(|cached| cached.expires_at > now).map(|cached| cached.result.clone())
    }

    async fn fetch(&self, id: &str, url: Url) -> DocumentResult {
        let (result, ttl) = match self.fetcher.fetch(id, url).await {
            Ok((client, ttl)) => (Ok(client), ttl),
            Err(why) => (Err(why), FAILURE_TTL),
        };
        let now = self.clock.now();
        let mut cached = lock(&self.cached);
        if cached.len() >= MAX_DOCUMENTS {
            cached.retain(|_, document| document.expires_at > now);
        }
        if cached.len() >= MAX_DOCUMENTS
            && let Some(first) = cached
                .iter()
                .min_by_key(|(_, document)| document.expires_at)
                .map(|(id, _)| id.clone())
        {
            cached.remove(&first);
        }
        let document = CachedDocument { result: result.clone(), expires_at: now + ttl };
        cached.insert(id.to_owned(), document);
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
