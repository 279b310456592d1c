//! Client ID metadata documents: a client whose identifier is the URL of its metadata.
//!
//! Documents are cached, failures too, and each is fetched once by all who need it. The document of
//! a client that people sign in with is kept in the store as well, and is used while it cannot be
//! fetched again. Key sets at a URL of their own are cached in the same way, in memory alone.

pub(crate) mod cache;
pub(crate) mod error;
pub(crate) mod fetch;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use url::Url;

use self::{
    cache::{Cache, Cached},
    error::DocumentError,
    fetch::DocumentFetcher,
};
use super::{
    client::{Client, ClientError},
    redirect,
    store::typed_store::{DOCUMENTS, TypedStore, millis, moment},
};
use crate::support::escape::escape;
use crate::{
    browser::request_limit::{RequestLimit, TooManyRequests},
    error::ConfigError,
    grant::StoreError,
    support::{
        clock::Clock,
        single_flight::{Flight, SingleFlight},
    },
    trace::{DocumentOutcome, EventKind, Found, Tracer, ms_since},
};

/// How long a person waits for a document that is known, and is fetched again.
const REVALIDATION_PATIENCE: Duration = Duration::from_secs(2);

/// How long a good document is used that cannot be fetched again.
const MAX_STALE: Duration = Duration::from_secs(90 * 24 * 3600);

/// How long a key set is used without another fetch.
const KEY_SET_TTL: Duration = Duration::from_secs(3600);

/// How long good keys are used that cannot be fetched again.
const MAX_STALE_KEYS: Duration = Duration::from_secs(24 * 3600);

/// A client, or why its document cannot be used.
type DocumentResult = Result<Client, DocumentError>;

type KeySetResult = Result<JwkSet, DocumentError>;

/// The documents of clients, fetched and cached.
#[derive(Clone)]
pub(crate) struct ClientDocuments(Arc<Documents>);

struct Documents {
    fetcher: DocumentFetcher,
    clock: Arc<dyn Clock>,
    records: TypedStore,
    /// The documents, by the identifier of their client. That of a client in use is in the store as well.
    cache: Cache<Client>,
    fetches: SingleFlight<String, DocumentResult>,
    /// The key sets, by their URL.
    key_sets: Cache<JwkSet>,
    key_fetches: SingleFlight<String, KeySetResult>,
    tracer: Tracer,
}

/// A good document in the store.
#[derive(Serialize, Deserialize)]
struct StoredDocument {
    client: Client,
    fetched_at: u64,
    fresh_until: u64,
}

impl ClientDocuments {
    /// `loopback`: whether this machine may be fetched from as well.
    pub(crate) fn new(
        loopback: bool,
        records: TypedStore,
        clock: Arc<dyn Clock>,
        tracer: Tracer,
    ) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Documents {
            fetcher: DocumentFetcher::new(loopback)?,
            clock,
            records,
            cache: Cache::new(MAX_STALE),
            fetches: SingleFlight::default(),
            key_sets: Cache::new(MAX_STALE_KEYS),
            key_fetches: SingleFlight::default(),
            tracer,
        })))
    }

    /// The client whose document is at `id`. `limit` counts requests of `address` that fetch what
    /// nobody here uses.
    pub(crate) async fn client(
        &self,
        id: &str,
        address: Option<IpAddr>,
        limit: &RequestLimit,
    ) -> Result<Client, ClientError> {
        let url = self.0.fetcher.check_url(id).map_err(DocumentError::Invalid);
        let url = url.map_err(ClientError::Document)?;
        let now = self.0.clock.now();
        let cached = match self.0.cache.get(id, now) {
            Some(cached) => Some(cached),
            None => self.0.load(id, now).await?,
        };
        let known = match cached {
            Some(cached) if cached.is_fresh(now, false) => {
                return cached.result.map_err(ClientError::Document);
            }
            Some(cached) if self.0.cache.may_be_stale(&cached, now) => Some(cached),
            _ => None,
        };
        let is_stored = known.as_ref().is_some_and(|known| known.is_in_use);
        let stale = known.and_then(|known| known.result.ok());
        let start = || {
            if !is_stored {
                limit.check(address)?;
            }
            let (documents, id) = (Arc::clone(&self.0), id.to_owned());
            Ok(((), async move { documents.fetch(&id, url).await }))
        };
        let fetch = self.0.fetches.join_or_start(&id.to_owned(), start);
        outcome(fetch, stale).await
    }

    /// Keeps the document of a client that a person has signed in with, so that it is known after a
    /// restart, and while it cannot be fetched.
    pub(crate) async fn keep(&self, id: &str) -> Result<(), StoreError> {
        match self.0.cache.mark_in_use(id) {
            Some(document) => self.0.store(id, &document).await,
            None => Ok(()),
        }
    }

    /// The keys of `client` that are at `uri`. `limit` counts requests of `address` that fetch those of
    /// a client that nobody here uses. `renew`: fetches them again, if that was not done within the last
    /// minute.
    pub(crate) async fn key_set(
        &self,
        (client, uri): (&str, &str),
        address: Option<IpAddr>,
        limit: &RequestLimit,
        renew: bool,
    ) -> Result<JwkSet, ClientError> {
        let url = self.0.fetcher.check_url(uri).map_err(DocumentError::Invalid);
        let url = url.map_err(ClientError::Document)?;
        let now = self.0.clock.now();
        let is_in_use = self.0.cache.get(client, now).is_some_and(|document| document.is_in_use);
        let known = self.0.key_sets.get_for(uri, now, is_in_use);
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now, renew)) {
            return known.result.clone().map_err(ClientError::Document);
        }
        // Keys that lack one are no answer to who asks for it.
        let stale = known.filter(|known| !renew && self.0.key_sets.may_be_stale(known, now));
        let stale = stale.and_then(|stale| stale.result.ok());
        let start = || {
            if !is_in_use {
                limit.check(address)?;
            }
            let (documents, uri) = (Arc::clone(&self.0), uri.to_owned());
            Ok(((), async move { documents.fetch_keys(&uri, url, is_in_use).await }))
        };
        let fetch = self.0.key_fetches.join_or_start(&uri.to_owned(), start);
        outcome(fetch, stale).await
    }
}

/// What was fetched, or what is used instead: it is `stale`, and the fetch takes long or was refused.
async fn outcome<T: Clone>(
    fetch: Result<Flight<Result<T, DocumentError>>, TooManyRequests>,
    stale: Option<T>,
) -> Result<T, ClientError> {
    let aborted = || Err(DocumentError::invalid("the fetch was aborted"));
    let result = match (fetch, stale) {
        (Err(refused), None) => return Err(ClientError::TooManyRequests(refused)),
        (Err(_), Some(stale)) => Ok(stale),
        (Ok(fetch), None) => fetch.outcome().await.unwrap_or_else(aborted),
        (Ok(fetch), Some(stale)) => {
            let fetched = tokio::time::timeout(REVALIDATION_PATIENCE, fetch.outcome()).await;
            match fetched {
                Ok(Some(result)) => result,
                Ok(None) | Err(_) => Ok(stale),
            }
        }
    };
    result.map_err(ClientError::Document)
}

impl Documents {
    /// Fetches a document. A good one stays where it cannot be fetched again, and goes where its site
    /// says that there is another one, or none.
    async fn fetch(&self, id: &str, url: Url) -> DocumentResult {
        let span = self.tracer.span();
        let (host, started) = (url.host_str().unwrap_or_default().to_owned(), span.now());
        let fetched = self.fetcher.fetch(id, url).await;
        let now = self.clock.now();
        let failure = fetched.as_ref().err().cloned();
        let document = self.cache.renew(id, fetched, now, false);
        let outcome = match &failure {
            None => DocumentOutcome::Fetched,
            Some(DocumentError::Unreachable { host }) if document.result.is_ok() => {
                tracing::warn!(target: "toolgate::broker", client = %escape(id), host = %escape(host), "a client's document cannot be fetched again; the last good one is used");
                DocumentOutcome::Stale
            }
            Some(DocumentError::Unreachable { .. }) => DocumentOutcome::Unreachable,
            Some(DocumentError::Invalid(_)) => DocumentOutcome::Invalid,
        };
        let host = Found::new(&host);
        span.emit(|| EventKind::DocumentFetched { host, outcome, ms: ms_since(started) });
        if document.is_in_use {
            let kept = match &failure {
                None => self.store(id, &document).await,
                Some(DocumentError::Invalid(_)) => {
                    self.records.take::<IgnoredAny>(DOCUMENTS, id).await.map(drop)
                }
                Some(DocumentError::Unreachable { .. }) => Ok(()),
            };
            if let Err(error) = kept {
                tracing::error!(target: "toolgate::broker", %error, "a client's document was not stored");
            }
        }
        document.result
    }

    /// Fetches a key set. Good keys stay where they cannot be fetched again.
    async fn fetch_keys(&self, uri: &str, url: Url, is_in_use: bool) -> KeySetResult {
        let fetched = self.fetcher.fetch_keys(url).await;
        if let Err(DocumentError::Unreachable { host }) = &fetched {
            tracing::warn!(target: "toolgate::broker", host = %escape(host), "a client's keys cannot be fetched");
        }
        let fetched = fetched.map(|keys| (keys, KEY_SET_TTL));
        self.key_sets.renew(uri, fetched, self.clock.now(), is_in_use).result
    }

    async fn store(&self, id: &str, document: &Cached<Client>) -> Result<(), StoreError> {
        let Ok(client) = &document.result else { return Ok(()) };
        let until = document.fetched_at + MAX_STALE;
        let (fetched_at, fresh_until) = (millis(document.fetched_at), millis(document.fresh_until));
        self.records
            .change(DOCUMENTS, id, until, |_: Option<StoredDocument>| {
                (StoredDocument { client: client.clone(), fetched_at, fresh_until }, ())
            })
            .await
    }

    /// The document from the store.
    async fn load(&self, id: &str, now: SystemTime) -> Result<Option<Cached<Client>>, StoreError> {
        let found = self.records.read::<StoredDocument>(DOCUMENTS, id).await?;
        let Some(StoredDocument { mut client, fetched_at, fresh_until }) =
            found.map(|stored| stored.value)
        else {
            return Ok(None);
        };
        client.redirect_uris.retain(|uri| redirect::check(uri).is_ok());
        let (fetched_at, fresh_until) = (moment(fetched_at), moment(fresh_until));
        let document = Cached::new(Ok(client), fetched_at, fresh_until, true);
        self.cache.insert(id, document.clone(), now);
        Ok(Some(document))
    }
}
