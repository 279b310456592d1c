//! The keys of an issuer: fetched once for all who wait, kept through an outage.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use reqwest::Client;
use tokio::sync::Mutex;

pub(crate) use super::fetch::FetchError;
use super::{Refusal, discovery::discover, fetch, keys::Keys};
use crate::grant::Clock;

/// Keys older than this are fetched again.
const FRESH: Duration = Duration::from_secs(600);

/// Keys are not fetched more often than this, whatever tokens name.
const CALM: Duration = Duration::from_secs(60);

/// After a failure without any keys, the next try comes so soon.
const RETRY: Duration = Duration::from_secs(5);

/// Where keys come from.
pub(super) enum Source {
    /// They are known.
    Fixed(Arc<Keys>),
    /// A document, or an issuer that says where it is.
    Remote(Box<Remote>),
}

/// What knows the keys of an issuer now.
#[async_trait]
pub(crate) trait KeySource: Send + Sync {
    async fn fetch(&self) -> Result<JwkSet, FetchError>;
}

pub(super) struct Remote {
    source: Box<dyn KeySource>,
    issuer: String,
    clock: Arc<dyn Clock>,
    kept: RwLock<Kept>,
    /// Who fetches.
    flight: Mutex<()>,
}

#[derive(Clone, Default)]
struct Kept {
    keys: Option<Arc<Keys>>,
    fetched_at: Option<SystemTime>,
    tried_at: Option<SystemTime>,
}

impl Source {
    pub(super) fn remote(
        source: impl KeySource + 'static,
        issuer: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (source, kept, flight) = (Box::new(source), RwLock::default(), Mutex::default());
        Self::Remote(Box::new(Remote { source, issuer, clock, kept, flight }))
    }

    /// The keys among which `wanted` is, if the issuer has it.
    pub(super) async fn keys(
        &self,
        wanted: impl Fn(&Keys) -> bool + Send,
    ) -> Result<Arc<Keys>, Refusal> {
        match self {
            Self::Fixed(keys) if wanted(keys) => Ok(Arc::clone(keys)),
            Self::Fixed(_) => Err(Refusal::UnknownKey),
            Self::Remote(remote) => remote.keys(wanted).await,
        }
    }
}

impl Remote {
    pub(super) fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = clock;
    }

    async fn keys(&self, wanted: impl Fn(&Keys) -> bool + Send) -> Result<Arc<Keys>, Refusal> {
        let (kept, now) = (self.kept(), self.clock.now());
        let age = |at: Option<SystemTime>| at.and_then(|at| now.duration_since(at).ok());
        let known = kept.keys.filter(|keys| wanted(keys));
        if let Some(keys) =
            known.as_ref().filter(|_| age(kept.fetched_at).is_some_and(|age| age < FRESH))
        {
            return Ok(Arc::clone(keys));
        }
        let pause = if kept.fetched_at.is_some() { CALM } else { RETRY };
        if age(kept.tried_at).is_some_and(|age| age < pause) {
            return known.ok_or_else(|| self.without_keys());
        }
        let _flight = self.flight.lock().await;
        // Whoever waited finds what the other one fetched.
        if self.kept().tried_at == kept.tried_at {
            self.fetch().await;
        }
        let keys = self.kept().keys.filter(|keys| wanted(keys));
        keys.or(known).ok_or_else(|| self.without_keys())
    }

    fn without_keys(&self) -> Refusal {
        match self.kept().fetched_at {
            Some(_) => Refusal::UnknownKey,
            None => Refusal::Unavailable { retry_after: RETRY },
        }
    }

    async fn fetch(&self) {
        let result = self.source.fetch().await.and_then(|set| {
            let keys = Keys::of(&set);
            let none = || FetchError::Wrong("it holds no key that verifies signatures".to_owned());
            if keys.is_empty() { Err(none()) } else { Ok(keys) }
        });
        let now = self.clock.now();
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.tried_at = Some(now);
        match result {
            Ok(keys) => {
                kept.fetched_at = Some(now);
                kept.keys = Some(Arc::new(keys));
            }
            // What is kept goes on being good: an outage there is none here.
            Err(error) => {
                tracing::error!(target: "toolgate::gate", issuer = %self.issuer, %error, "the keys of the issuer cannot be fetched");
            }
        }
    }

    fn kept(&self) -> Kept {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A document, or an issuer that says where it is.
pub(super) struct Web {
    pub(super) http: Client,
    pub(super) issuer: String,
    /// The document, if it is known; else the issuer is asked.
    pub(super) url: Option<String>,
}

#[async_trait]
impl KeySource for Web {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => {
                let metadata = discover(&self.http, &self.issuer).await?;
                let missing = || FetchError::Wrong("its metadata names no `jwks_uri`".to_owned());
                metadata.jwks_uri.ok_or_else(missing)?
            }
        };
        fetch::parse(&url).map_err(|error| FetchError::Wrong(error.to_string()))?;
        readable(&fetch::json(self.http.get(&url)).await?)
    }
}

/// The keys that can be read; one that cannot does not spoil the others (RFC 7517 §5).
fn readable(set: &serde_json::Value) -> Result<JwkSet, FetchError> {
    let keys = set.get("keys").and_then(|keys| keys.as_array()).ok_or(FetchError::Malformed)?;
    let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok());
    Ok(JwkSet { keys: keys.collect() })
}
