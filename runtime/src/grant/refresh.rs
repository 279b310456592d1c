//! Keeping grants fresh: one refresh at a time for each, and no rotated token lost.

use std::{
    collections::{BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};

use super::{
    Clock, Grant, GrantKey, GrantState, GrantStore, SaveError, StoreError, Stored, seconds, time,
};

/// A token is renewed this long before it expires, or a fifth of its life if that is shorter.
const LEAD: Duration = Duration::from_secs(300);

/// What is left of a token's life must last for the call that it is handed to.
const MARGIN: Duration = Duration::from_secs(5);

/// How long the provider may take to answer a refresh.
const PATIENCE: Duration = Duration::from_secs(30);

/// After this long, whoever began a refresh is taken for dead: longer than [`PATIENCE`].
const TERM: Duration = Duration::from_secs(40);

/// How long after a failed refresh the next is tried, while the old token is still good.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// Redeems refresh tokens at a provider.
#[async_trait]
pub(crate) trait Renew: Send + Sync {
    async fn renew(&self, refresh_token: &SecretString) -> Result<Renewed, RenewError>;
}

/// What a token endpoint gave (RFC 6749 §5.1).
pub(crate) struct Renewed {
    pub(crate) access_token: SecretString,
    /// None: the old one stays.
    pub(crate) refresh_token: Option<SecretString>,
    /// None: as before.
    pub(crate) scopes: Option<BTreeSet<String>>,
    /// None: unknown.
    pub(crate) expires_in: Option<Duration>,
}

/// Why a token endpoint gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RenewError {
    /// The refresh token, or the code, is not accepted any more.
    #[error("invalid_grant: {0}")]
    InvalidGrant(String),
    /// The client is at fault, not the grant: an operator has to look.
    #[error("{0}")]
    Misconfigured(String),
    /// No answer, or one that promises better times.
    #[error("{0}")]
    Unreachable(String),
}

/// A token that is good now, as far as one can know.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) token: SecretString,
    pub(crate) scopes: BTreeSet<String>,
}

/// Why there is none.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("nothing was granted yet")]
    Missing,
    #[error("the grant is dead: {reason}")]
    Dead { reason: String },
    #[error("the provider cannot be asked for a new token: {0}")]
    Unreachable(String),
    #[error("the provider refuses our client: {0}")]
    Misconfigured(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Flight = Shared<BoxFuture<'static, Result<Access, AccessError>>>;

/// The grants of a server.
#[derive(Clone)]
pub(crate) struct Grants(Arc<Inner>);

struct Inner {
    store: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    /// The refreshes under way, which every caller of the same grant joins.
    flights: Mutex<HashMap<GrantKey, Flight>>,
    /// Refreshes that failed while the old token was still good: not before then again.
    cool: Mutex<HashMap<GrantKey, SystemTime>>,
    /// Renewed, and the store would not take it: written before anything else is tried.
    unsaved: Mutex<HashMap<GrantKey, (Grant, u64)>>,
    jitter: RandomState,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Grants {
    pub(crate) fn new(store: Arc<dyn GrantStore>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            flights: Mutex::default(),
            cool: Mutex::default(),
            unsaved: Mutex::default(),
            jitter: RandomState::new(),
        }))
    }

    pub(crate) fn store(&self) -> &Arc<dyn GrantStore> {
        &self.0.store
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }

    /// A token for `key`: the one at hand if it will last, else a new one.
    ///
    /// Near its end a token is handed out still, and renewed beside the call.
    pub(crate) async fn access(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        let stored = self.0.load(key).await?;
        match self.0.age(key, &stored.grant) {
            Age::Fresh => Ok(access(stored.grant)),
            Age::Old => {
                let cool = lock(&self.0.cool).get(key).is_some_and(|until| *until > self.now());
                if stored.grant.refresh_token.is_some() && !cool {
                    drop(self.flight(key, renew, None));
                }
                Ok(access(stored.grant))
            }
            Age::Expired => self.flight(key, renew, None).await,
        }
    }

    /// Another token than `rejected`, which the provider's API answered with 401.
    pub(crate) async fn renew_rejected(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        rejected: &SecretString,
    ) -> Result<Access, AccessError> {
        self.flight(key, renew, Some(rejected.clone())).await
    }

    /// Marks a grant as dead whose freshest token, `rejected`, the provider does not accept.
    pub(crate) async fn give_up(&self, key: &GrantKey, rejected: &SecretString) {
        let Ok(stored) = self.0.load(key).await else { return };
        if stored.grant.access_token.expose_secret() == rejected.expose_secret() {
            let reason = "the provider does not accept its tokens any more";
            // What it says is told by whoever was refused.
            let _ = self.0.bury(key, stored.grant, stored.revision, reason).await;
        }
    }

    /// The refresh of `key` under way, or a new one, in a task of its own: a caller that leaves
    /// takes nothing with it.
    fn flight(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        rejected: Option<SecretString>,
    ) -> Flight {
        let mut flights = lock(&self.0.flights);
        if let Some(flight) = flights.get(key) {
            return flight.clone();
        }
        let (inner, renew, owned) = (Arc::clone(&self.0), Arc::clone(renew), key.clone());
        let task = tokio::spawn(async move {
            let result = inner.refresh(&owned, &*renew, rejected.as_ref()).await;
            lock(&inner.flights).remove(&owned);
            result
        });
        let flight = async move {
            task.await.unwrap_or_else(|error| Err(AccessError::Unreachable(error.to_string())))
        };
        let flight = flight.boxed().shared();
        flights.insert(key.clone(), flight.clone());
        flight
    }
}

enum Age {
    Fresh,
    /// Near its end.
    Old,
    Expired,
}

fn access(grant: Grant) -> Access {
    Access { token: grant.access_token, scopes: grant.scopes }
}

impl Inner {
    async fn load(&self, key: &GrantKey) -> Result<Stored, AccessError> {
        let stored = self.store.load(key).await?.ok_or(AccessError::Missing)?;
        match &stored.grant.state {
            GrantState::Dead { reason } => Err(AccessError::Dead { reason: reason.clone() }),
            _ => Ok(stored),
        }
    }

    fn age(&self, key: &GrantKey, grant: &Grant) -> Age {
        let Some(expires_at) = grant.expires_at else { return Age::Fresh };
        let left = expires_at.duration_since(self.clock.now()).unwrap_or_default();
        let life = expires_at.duration_since(grant.obtained_at).unwrap_or_default();
        // Not all grants of one hour in the same second.
        let jitter = u32::try_from(self.jitter.hash_one(key) % 200).unwrap_or_default();
        let lead = LEAD.min(life / 5) * (1000 - jitter) / 1000;
        match left {
            left if left <= MARGIN.min(life / 10) => Age::Expired,
            left if left <= lead => Age::Old,
            _ => Age::Fresh,
        }
    }

    async fn refresh(
        &self,
        key: &GrantKey,
        renew: &dyn Renew,
        rejected: Option<&SecretString>,
    ) -> Result<Access, AccessError> {
        let mut wait = Duration::from_millis(50);
        loop {
            self.save_unsaved(key).await?;
            let stored = self.load(key).await?;
            let grant = stored.grant;
            // A second look: another call, or another process, may have been faster.
            let renewed = match rejected {
                Some(rejected) => grant.access_token.expose_secret() != rejected.expose_secret(),
                None => matches!(self.age(key, &grant), Age::Fresh),
            };
            if renewed {
                return Ok(access(grant));
            }
            let mut interrupted = false;
            if let GrantState::Renewing { since } = grant.state {
                if self.clock.now() < time(since) + TERM {
                    // Somebody redeems it. To do so again could look like theft to the provider.
                    if wait > Duration::from_secs(2) {
                        let message = "another process is renewing it".to_owned();
                        return Err(AccessError::Unreachable(message));
                    }
                    sleep(wait).await;
                    wait = wait * 5 / 4;
                    continue;
                }
                interrupted = true;
            }
            let Some(refresh_token) = grant.refresh_token.clone() else {
                let reason = "the access token expired, and the provider gave no refresh token";
                return self.bury(key, grant, stored.revision, reason).await;
            };
            // The intent, before the token goes out: it is the lease, and after a crash the trace.
            let mut intent = grant.clone();
            intent.state = GrantState::Renewing { since: seconds(self.clock.now()) };
            let revision = match self.store.save(key, &intent, stored.revision).await {
                Ok(revision) => revision,
                Err(SaveError::Conflict) => continue,
                Err(SaveError::Store(error)) => return Err(error.into()),
            };
            let answer =
                timeout(PATIENCE, renew.renew(&refresh_token)).await.unwrap_or_else(|_| {
                    Err(RenewError::Unreachable("the token endpoint did not answer in time".into()))
                });
            match answer {
                Ok(renewed) => return self.keep(key, grant, renewed, revision).await,
                Err(RenewError::InvalidGrant(description)) => {
                    let current = self.store.load(key).await?.map(|stored| stored.revision);
                    if current != Some(revision) {
                        continue;
                    }
                    let reason = if interrupted {
                        "the server was stopped in the middle of a refresh, and the provider does not accept the old refresh token any more".to_owned()
                    } else {
                        format!(
                            "the provider does not accept the refresh token any more ({description})"
                        )
                    };
                    return self.bury(key, grant, revision, &reason).await;
                }
                Err(error) => return self.postpone(key, grant, revision, error).await,
            }
        }
    }

    /// Writes what was renewed, and only then hands it out.
    async fn keep(
        &self,
        key: &GrantKey,
        old: Grant,
        renewed: Renewed,
        revision: u64,
    ) -> Result<Access, AccessError> {
        let now = self.clock.now();
        let grant = Grant {
            access_token: renewed.access_token,
            refresh_token: renewed.refresh_token.or(old.refresh_token),
            scopes: renewed.scopes.unwrap_or(old.scopes),
            obtained_at: now,
            expires_at: renewed.expires_in.map(|life| now + life),
            state: GrantState::Live,
        };
        lock(&self.cool).remove(key);
        lock(&self.unsaved).insert(key.clone(), (grant.clone(), revision));
        let mut pause = Duration::from_millis(100);
        loop {
            match self.save_unsaved(key).await {
                Ok(()) => break,
                Err(error) if pause > Duration::from_secs(2) => return Err(error),
                Err(_) => {
                    sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        // Removed meanwhile: the user disconnected, and this token is nobody's any more.
        let stored = self.load(key).await?;
        Ok(access(stored.grant))
    }

    async fn save_unsaved(&self, key: &GrantKey) -> Result<(), AccessError> {
        let Some((grant, revision)) = lock(&self.unsaved).get(key).cloned() else { return Ok(()) };
        match self.store.save(key, &grant, revision).await {
            Ok(_) | Err(SaveError::Conflict) => {
                lock(&self.unsaved).remove(key);
                Ok(())
            }
            Err(SaveError::Store(error)) => Err(error.into()),
        }
    }

    /// Marks the grant as dead: nobody asks the provider again with it.
    async fn bury(
        &self,
        key: &GrantKey,
        mut grant: Grant,
        revision: u64,
        reason: &str,
    ) -> Result<Access, AccessError> {
        grant.state = GrantState::Dead { reason: reason.to_owned() };
        grant.refresh_token = None;
        match self.store.save(key, &grant, revision).await {
            Ok(_) | Err(SaveError::Conflict) => {
                Err(AccessError::Dead { reason: reason.to_owned() })
            }
            Err(SaveError::Store(error)) => Err(error.into()),
        }
    }

    /// The provider could not be asked: the grant is as it was, and its token while it lasts.
    async fn postpone(
        &self,
        key: &GrantKey,
        mut grant: Grant,
        revision: u64,
        error: RenewError,
    ) -> Result<Access, AccessError> {
        grant.state = GrantState::Live;
        lock(&self.cool).insert(key.clone(), self.clock.now() + COOL_DOWN);
        if let Err(SaveError::Store(error)) = self.store.save(key, &grant, revision).await {
            return Err(error.into());
        }
        tracing::warn!(target: "toolgate::grant", provider = %key.provider, %error, "a refresh failed");
        match (self.age(key, &grant), error) {
            (Age::Old, _) => Ok(access(grant)),
            (_, RenewError::Misconfigured(error)) => Err(AccessError::Misconfigured(error)),
            (_, error) => Err(AccessError::Unreachable(error.to_string())),
        }
    }
}
