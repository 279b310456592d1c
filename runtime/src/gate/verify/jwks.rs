//! Key sets of issuers (RFC 7517): fetched once for all concurrent requests, kept during an outage.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use reqwest::Client;

use super::{discovery::discover, keys::Keys};
use crate::{
    gate::AuthError,
    support::{
        clock::Clock,
        http_client::{FetchError, fetch_json},
        single_flight::{Flight, SingleFlight},
        url::parse_endpoint,
    },
};

/// How old a key set may be before it is fetched again.
const KEY_SET_TTL: Duration = Duration::from_secs(600);

/// How old a key set may become if newer ones cannot be fetched. Afterwards its keys are no longer
/// believed: one of them may have been withdrawn.
const MAX_KEY_SET_AGE: Duration = Duration::from_secs(24 * 3600);

/// How often a key set is fetched again because of keys that it does not have. A stranger can name
/// any, so this is also how long strangers can delay that a new key is found.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(30);

/// How many such fetches may be made at once.
const LOOKUP_BURST: u32 = 5;

/// The shortest time between two fetches while the issuer is down, as long as there are keys.
const OUTAGE_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest time between two fetches as long as none has succeeded.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long a request waits for a newer key set if it has an older one with its key. An issuer that
/// works answers within it, so that a withdrawn key is not used once more.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);

/// The key set of an issuer.
pub(crate) enum KeySet {
    /// Configured.
    Fixed(Arc<Keys>),
    /// Fetched.
    Remote(Arc<RemoteKeySet>),
}

/// Where a [`RemoteKeySet`] gets its keys.
#[async_trait]
pub(crate) trait KeySource: Send + Sync {
    async fn fetch(&self) -> Result<JwkSet, FetchError>;
}

pub(crate) struct RemoteKeySet {
    source: Box<dyn KeySource>,
    issuer: String,
    clock: RwLock<Arc<dyn Clock>>,
    state: RwLock<FetchState>,
    /// The fetch under way, with the time at which it began.
    fetches: SingleFlight<(), (), Instant>,
}

#[derive(Clone, Default)]
struct FetchState {
    keys: Option<Arc<Keys>>,
    fetched_at: Option<SystemTime>,
    tried_at: Option<SystemTime>,
    /// How many fetches have ended.
    fetches: u64,
    /// Whether the last one failed.
    failed: bool,
    /// When as many fetches as [`LOOKUP_BURST`] may be made at once again.
    refilled_at: Option<SystemTime>,
}

impl FetchState {
    /// The time until the next fetch is allowed; `None` if it is allowed now.
    fn pause(&self, now: SystemTime) -> Option<Duration> {
        let left = if self.failed {
            let pause = if self.keys.is_some() { OUTAGE_INTERVAL } else { RETRY_INTERVAL };
            pause.checked_sub(age(self.tried_at, now)?)?
        } else {
            let until_full = self.refilled_at?.duration_since(now).ok()?;
            // A clock that was set back shows more than there can be.
            if until_full > LOOKUP_INTERVAL * LOOKUP_BURST {
                return None;
            }
            until_full.checked_sub(LOOKUP_INTERVAL * (LOOKUP_BURST - 1))?
        };
        (!left.is_zero()).then_some(left)
    }

    /// Counts a fetch that ends now. The first one is not among those of [`LOOKUP_BURST`].
    fn count(&mut self, now: SystemTime, failed: bool) {
        if self.fetched_at.is_some() {
            let full = LOOKUP_INTERVAL * LOOKUP_BURST;
            let from = self.refilled_at.filter(|at| (now..=now + full).contains(at));
            self.refilled_at = Some(from.unwrap_or(now) + LOOKUP_INTERVAL);
        }
        self.fetches += 1;
        self.failed = failed;
        self.tried_at = Some(now);
    }

    /// The keys, unless they are too old.
    fn keys(&self, now: SystemTime) -> Option<Arc<Keys>> {
        let is_old = age(self.fetched_at, now).is_some_and(|age| age >= MAX_KEY_SET_AGE);
        self.keys.clone().filter(|_| !is_old)
    }
}

fn age(of: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    of.and_then(|of| now.duration_since(of).ok())
}

impl KeySet {
    pub(crate) fn remote(
        source: impl KeySource + 'static,
        issuer: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::Remote(Arc::new(RemoteKeySet {
            source: Box::new(source),
            issuer,
            clock: RwLock::new(clock),
            state: RwLock::default(),
            fetches: SingleFlight::default(),
        }))
    }

    /// The keys of the issuer, if `has_key` finds its key among them.
    pub(crate) async fn keys(
        &self,
        has_key: impl Fn(&Keys) -> bool + Send,
    ) -> Result<Arc<Keys>, AuthError> {
        match self {
            Self::Fixed(keys) if has_key(keys) => Ok(Arc::clone(keys)),
            Self::Fixed(_) => Err(AuthError::UnknownKey),
            Self::Remote(remote) => remote.keys(has_key).await,
        }
    }
}

impl RemoteKeySet {
    pub(crate) fn set_clock(&self, clock: Arc<dyn Clock>) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    fn now(&self) -> SystemTime {
        self.clock.read().unwrap_or_else(PoisonError::into_inner).now()
    }

    async fn keys(
        self: &Arc<Self>,
        has_key: impl Fn(&Keys) -> bool + Send,
    ) -> Result<Arc<Keys>, AuthError> {
        let (state, now) = (self.state(), self.now());
        let known = state.keys(now).filter(|keys| has_key(keys));
        let is_fresh = age(state.fetched_at, now).is_some_and(|age| age < KEY_SET_TTL);
        if let Some(keys) = known.as_ref().filter(|_| is_fresh) {
            return Ok(Arc::clone(keys));
        }
        if state.pause(now).is_some() {
            return known.ok_or_else(|| self.no_key());
        }
        // `None`: another request has fetched them since.
        if let Some(fetch) = self.fetch(&state) {
            match &known {
                None => drop(fetch.outcome().await),
                // The issuer was unreachable before, so nothing is gained by waiting.
                Some(_) if state.failed => {}
                Some(_) => {
                    let left = REFRESH_TIMEOUT.saturating_sub(fetch.label.elapsed());
                    let _ = tokio::time::timeout(left, fetch.outcome()).await;
                }
            }
        }
        let seen = state.fetches;
        let state = self.state();
        let found = state.keys(now).filter(|keys| has_key(keys));
        // After a fetch that succeeded, a key that is missing was withdrawn.
        let known = known.filter(|_| state.failed || state.fetches == seen);
        found.or(known).ok_or_else(|| self.no_key())
    }

    /// The fetch under way, or one that begins now, unless one was tried since `seen`.
    fn fetch(self: &Arc<Self>, seen: &FetchState) -> Option<Flight<(), Instant>> {
        let start = || {
            if self.state().fetches != seen.fetches {
                return Err(());
            }
            let key_set = Arc::clone(self);
            Ok((Instant::now(), async move { key_set.update().await }))
        };
        self.fetches.join_or_start(&(), start).ok()
    }

    /// The error for a key that is not found. The issuer does not have it only if a recent fetch
    /// succeeded.
    fn no_key(&self) -> AuthError {
        let state = self.state();
        if state.fetched_at.is_some() && !state.failed {
            return AuthError::UnknownKey;
        }
        let retry_after = state.pause(self.now()).unwrap_or(RETRY_INTERVAL);
        AuthError::Unavailable { retry_after }
    }

    async fn update(&self) {
        let result = self.source.fetch().await.and_then(|set| {
            let keys = Keys::from_set(&set);
            let none =
                || FetchError::Invalid("it holds no key that verifies signatures".to_owned());
            if keys.is_empty() { Err(none()) } else { Ok(keys) }
        });
        let now = self.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.count(now, result.is_err());
        match result {
            Ok(keys) => {
                state.fetched_at = Some(now);
                state.keys = Some(Arc::new(keys));
            }
            // The older keys stay valid, so that an outage of the issuer is none of this server.
            Err(error) => {
                tracing::error!(target: "toolgate::gate", issuer = %self.issuer, %error, "the keys of the issuer cannot be fetched");
            }
        }
    }

    fn state(&self) -> FetchState {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A key set at a URL.
pub(crate) struct HttpKeySource {
    pub(crate) http: Client,
    pub(crate) issuer: String,
    /// Where the key set is; `None` if the issuer's metadata names the URL.
    pub(crate) url: Option<String>,
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => {
                let metadata = discover(&self.http, &self.issuer).await?;
                let missing = || FetchError::Invalid("its metadata names no `jwks_uri`".to_owned());
                metadata.jwks_uri.ok_or_else(missing)?
            }
        };
        let url = parse_endpoint("its `jwks_uri`", &url, "tokens are verified by its keys")
            .map_err(|error| FetchError::Invalid(error.to_string()))?;
        parse_key_set(&fetch_json(self.http.get(url)).await?)
    }
}

/// Parses the keys of a set and ignores those that cannot be parsed (RFC 7517 §5).
fn parse_key_set(set: &serde_json::Value) -> Result<JwkSet, FetchError> {
    let keys = set.get("keys").and_then(|keys| keys.as_array()).ok_or(FetchError::Malformed)?;
    let keys = keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok());
    Ok(JwkSet { keys: keys.collect() })
}
