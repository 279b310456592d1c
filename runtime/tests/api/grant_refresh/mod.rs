//! Renewals as a caller and a provider see them.

mod answers;
mod concurrency;
mod paused;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Notify, Semaphore};
use toolgate::{
    grant::{
        Access, AccessError, Clock as _, Grant, GrantKey, GrantStore, Grants, HolderId, Lease,
        ManualClock, MemoryStore, Renew, Revision, SaveError, StoreError, Stored, TokenError,
        TokenResponse,
    },
    provider::RefreshTokens,
};

const HOUR: Duration = Duration::from_hours(1);

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

type Answer = Box<dyn FnOnce() -> Result<TokenResponse, TokenError> + Send>;

/// A provider with rotating refresh tokens `r0`, `r1`, ..; reuse of an old one is refused.
struct Provider {
    asked: AtomicUsize,
    current: Mutex<usize>,
    life: Option<Duration>,
    /// Answers given before the rotation is.
    faults: Mutex<VecDeque<Answer>>,
    /// A permit for each answer; closed when there is nothing to wait for.
    gate: Semaphore,
    entered: Notify,
    refresh_tokens: Mutex<RefreshTokens>,
}

impl Provider {
    fn new() -> Arc<Self> {
        Self::with_life(Some(HOUR))
    }

    fn with_life(life: Option<Duration>) -> Arc<Self> {
        let provider = Self::gated(life);
        provider.gate.close();
        provider
    }

    fn gated(life: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            current: Mutex::new(0),
            life,
            faults: Mutex::default(),
            gate: Semaphore::new(0),
            entered: Notify::new(),
            refresh_tokens: Mutex::new(RefreshTokens::STANDARD),
        })
    }

    fn fault(&self, error: TokenError) {
        self.answer(move || Err(error));
    }

    fn answer(&self, answer: impl FnOnce() -> Result<TokenResponse, TokenError> + Send + 'static) {
        self.faults.lock().unwrap().push_back(Box::new(answer));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Renew for Provider {
    async fn renew(
        &self,
        refresh_token: &SecretString,
        _: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.entered.notify_one();
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(answer) = fault {
            return answer();
        }
        let mut current = self.current.lock().unwrap();
        if refresh_token.expose_secret() != format!("r{current}") {
            return Err(TokenError::InvalidGrant { description: Some("reused".into()) });
        }
        *current += 1;
        let renewed =
            TokenResponse::new(format!("a{current}")).refresh_token(format!("r{current}"));
        Ok(match self.life {
            Some(life) => renewed.expires_in(life),
            None => renewed,
        })
    }

    fn refresh_tokens(&self) -> RefreshTokens {
        *self.refresh_tokens.lock().unwrap()
    }
}

struct Bench {
    clock: Arc<ManualClock>,
    store: Arc<dyn GrantStore>,
    grants: Grants,
    provider: Arc<Provider>,
    renew: Arc<dyn Renew>,
}

impl Bench {
    /// A grant `a0`/`r0` of one hour, made now.
    async fn new(provider: Arc<Provider>) -> Self {
        let clock = Arc::new(ManualClock::new());
        let store: Arc<dyn GrantStore> = Arc::new(MemoryStore::with_clock(clock.clone()));
        Self::with_store(provider, clock, store).await
    }

    async fn with_store(
        provider: Arc<Provider>,
        clock: Arc<ManualClock>,
        store: Arc<dyn GrantStore>,
    ) -> Self {
        let grants = Grants::new(store.clone(), clock.clone());
        let grant = Grant::new("a0", clock.now())
            .refresh_token("r0")
            .scopes(["repo:read"])
            .expires_in(HOUR);
        grants.put(&key(), grant).await.unwrap();
        Self { clock, store, grants, renew: provider.clone(), provider }
    }

    async fn access(&self) -> Result<Access, AccessError> {
        self.grants.access(&key(), &self.renew).await
    }

    async fn token(&self) -> String {
        self.access().await.unwrap().token.expose_secret().to_owned()
    }

    async fn stored(&self) -> Grant {
        self.store.load(&key()).await.unwrap().unwrap().value
    }
}

fn unreachable(maybe_sent: bool) -> TokenError {
    TokenError::Unreachable { description: "down".into(), maybe_sent }
}

/// Counts the refusals of a lease, so that a test can wait for two processes to meet.
struct Watched {
    store: Arc<dyn GrantStore>,
    refused: Arc<Semaphore>,
    broken: AtomicBool,
    /// The next write takes effect, and its answer waits.
    stalls: AtomicBool,
    stalled: Notify,
    goes_on: Notify,
}

impl Watched {
    fn over(store: Arc<dyn GrantStore>) -> Self {
        Self {
            store,
            refused: Arc::new(Semaphore::new(0)),
            broken: AtomicBool::new(false),
            stalls: AtomicBool::new(false),
            stalled: Notify::new(),
            goes_on: Notify::new(),
        }
    }
}

#[async_trait]
impl GrantStore for Watched {
    async fn load(&self, key: &GrantKey) -> Result<Option<Stored<Grant>>, StoreError> {
        self.store.load(key).await
    }
    async fn save(
        &self,
        key: &GrantKey,
        grant: &Grant,
        expected: Revision,
    ) -> Result<Revision, SaveError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("writing a grant", "the disk is full").into());
        }
        let saved = self.store.save(key, grant, expected).await;
        if self.stalls.swap(false, Ordering::SeqCst) {
            self.stalled.notify_one();
            self.goes_on.notified().await;
        }
        saved
    }
    async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.store.remove(key).await
    }
    async fn list(&self, subject: &str) -> Result<Vec<GrantKey>, StoreError> {
        self.store.list(subject).await
    }
    async fn lease(
        &self,
        key: &GrantKey,
        holder: HolderId,
        term: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let lease = self.store.lease(key, holder, term).await?;
        if lease.is_none() {
            self.refused.add_permits(1);
        }
        Ok(lease)
    }
    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.store.release(lease).await
    }
    async fn put_pending(&self, id: &str, v: &[u8], until: SystemTime) -> Result<(), StoreError> {
        self.store.put_pending(id, v, until).await
    }
    async fn take_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.take_pending(id).await
    }
    async fn peek_pending(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.peek_pending(id).await
    }
}
