//! The keys of an issuer: fetched once for all who wait, kept through an outage.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jsonwebtoken::jwk::JwkSet;
use reqwest::Client;

use super::{discovery::discover, keys::Keys};
pub(crate) use crate::support::fetch::FetchError;
use crate::{gate::AuthError, support::fetch};
use crate::{grant::Clock, support::background as task};

/// Keys older than this are fetched again.
const FRESH: Duration = Duration::from_secs(600);

/// Keys are not fetched more often than this, whatever tokens name.
const CALM: Duration = Duration::from_secs(60);

/// After a failure without any keys, the next try comes so soon.
const RETRY: Duration = Duration::from_secs(5);

/// Who has keys that were good once waits so long for newer ones: those of an issuer that is well
/// come sooner, and then a key that was withdrawn is not believed once more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where keys come from.
pub(crate) enum Source {
    /// They are known.
    Fixed(Arc<Keys>),
    /// A document, or an issuer that says where it is.
    Remote(Arc<Remote>),
}

/// What knows the keys of an issuer now.
#[async_trait]
pub(crate) trait KeySource: Send + Sync {
    async fn fetch(&self) -> Result<JwkSet, FetchError>;
}

pub(crate) struct Remote {
    source: Box<dyn KeySource>,
    issuer: String,
    clock: RwLock<Arc<dyn Clock>>,
    kept: RwLock<Kept>,
    /// The fetch that began last.
    flight: Mutex<Option<Flight>>,
}

/// One fetch for all who want it; it goes on when nobody waits for it any more.
#[derive(Clone)]
struct Flight {
    began: Instant,
    fetch: Shared<BoxFuture<'static, ()>>,
}

#[derive(Clone, Default)]
struct Kept {
    keys: Option<Arc<Keys>>,
    fetched_at: Option<SystemTime>,
    tried_at: Option<SystemTime>,
}

impl Kept {
    /// Was the last try in vain?
    fn failed(&self) -> bool {
        self.tried_at != self.fetched_at
    }

    /// How long nobody tries again; `None`: it is time.
    fn pause(&self, now: SystemTime) -> Option<Duration> {
        let pause = if self.fetched_at.is_some() { CALM } else { RETRY };
        pause.checked_sub(age(self.tried_at, now)?).filter(|left| !left.is_zero())
    }
}

fn age(of: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    of.and_then(|of| now.duration_since(of).ok())
}

impl Source {
    pub(crate) fn remote(
        source: impl KeySource + 'static,
        issuer: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (source, kept, flight) = (Box::new(source), RwLock::default(), Mutex::default());
        let clock = RwLock::new(clock);
        Self::Remote(Arc::new(Remote { source, issuer, clock, kept, flight }))
    }

    /// The keys among which `wanted` is, if the issuer has it.
    pub(crate) async fn keys(
        &self,
        wanted: impl Fn(&Keys) -> bool + Send,
    ) -> Result<Arc<Keys>, AuthError> {
        match self {
            Self::Fixed(keys) if wanted(keys) => Ok(Arc::clone(keys)),
            Self::Fixed(_) => Err(AuthError::UnknownKey),
            Self::Remote(remote) => remote.keys(wanted).await,
        }
    }
}

impl Remote {
    pub(crate) fn set_clock(&self, clock: Arc<dyn Clock>) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    fn now(&self) -> SystemTime {
        self.clock.read().unwrap_or_else(PoisonError::into_inner).now()
    }

    async fn keys(
        self: &Arc<Self>,
        wanted: impl Fn(&Keys) -> bool + Send,
    ) -> Result<Arc<Keys>, AuthError> {
        let (kept, now) = (self.kept(), self.now());
        let known = kept.keys.clone().filter(|keys| wanted(keys));
        let is_fresh = age(kept.fetched_at, now).is_some_and(|age| age < FRESH);
        if let Some(keys) = known.as_ref().filter(|_| is_fresh) {
            return Ok(Arc::clone(keys));
        }
        if kept.pause(now).is_some() {
            return known.ok_or_else(|| self.without_keys());
        }
        let Flight { began, fetch } = self.fly(&kept);
        match &known {
            None => fetch.await,
            // The issuer is down already: nobody waits for it.
            Some(_) if kept.failed() => {}
            Some(_) => {
                let left = PATIENCE.saturating_sub(began.elapsed());
                let _ = tokio::time::timeout(left, fetch).await;
            }
        }
        let kept = self.kept();
        let found = kept.keys.clone().filter(|keys| wanted(keys));
        // A fetch that went well says of a key that is not there that it was withdrawn.
        let known = known.filter(|_| kept.failed() || kept.pause(now).is_none());
        found.or(known).ok_or_else(|| self.without_keys())
    }

    /// The fetch under way, or one that begins now: unless somebody has tried since `seen`.
    fn fly(self: &Arc<Self>, seen: &Kept) -> Flight {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        match &*flight {
            Some(last) if last.fetch.peek().is_none() => return last.clone(),
            Some(last) if self.kept().tried_at != seen.tried_at => return last.clone(),
            _ => {}
        }
        let remote = Arc::clone(self);
        let fetch = async move { remote.fetch().await }.boxed().shared();
        task::spawn(fetch.clone());
        flight.insert(Flight { began: Instant::now(), fetch }).clone()
    }

    /// Why there is no such key: it is known that there is none only if the issuer said so lately.
    fn without_keys(&self) -> AuthError {
        let kept = self.kept();
        if kept.fetched_at.is_some() && !kept.failed() {
            return AuthError::UnknownKey;
        }
        AuthError::Unavailable { retry_after: kept.pause(self.now()).unwrap_or(RETRY) }
    }

    async fn fetch(&self) {
        let result = self.source.fetch().await.and_then(|set| {
            let keys = Keys::of(&set);
            let none = || FetchError::Wrong("it holds no key that verifies signatures".to_owned());
            if keys.is_empty() { Err(none()) } else { Ok(keys) }
        });
        let now = self.now();
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
pub(crate) struct Web {
    pub(crate) http: Client,
    pub(crate) issuer: String,
    /// The document, if it is known; else the issuer is asked.
    pub(crate) url: Option<String>,
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
