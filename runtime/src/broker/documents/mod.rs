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

use url::Url;

use self::fetch::DocumentFetcher;
use super::client::{Client, ClientError};
use crate::{
    browser::request_limit::RequestLimit,
    error::ConfigError,
    support::{clock::Clock, single_flight::SingleFlight},
};

/// How long a failure is cached.
const FAILURE_TTL: Duration = Duration::from_secs(60);

/// The most documents that are cached.
const MAX_DOCUMENTS: usize = 1000;

/// A client, or why its document cannot be used.
type DocumentResult = Result<Client, String>;

/// The documents of clients, fetched and cached.
pub(crate) struct ClientDocuments(Arc<DocumentCache>);

struct DocumentCache {
    fetcher: DocumentFetcher,
    clock: Arc<dyn Clock>,
    cached: Mutex<HashMap<String, CachedDocument>>,
    fetches: SingleFlight<String, DocumentResult>,
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
            fetches: SingleFlight::default(),
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
        let start = || {
            limit.check(address)?;
            let (cache, id) = (Arc::clone(&self.0), id.to_owned());
            Ok(((), async move { cache.fetch(&id, url).await }))
        };
        let fetch = self.0.fetches.join_or_start(&id.to_owned(), start);
        let result = fetch.map_err(ClientError::TooManyRequests)?.outcome().await;
        let aborted = || Err("the fetch was aborted".to_owned());
        result.unwrap_or_else(aborted).map_err(ClientError::Document)
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
