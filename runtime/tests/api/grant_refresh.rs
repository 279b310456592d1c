//! Renewals as a caller and a provider see them.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Notify, Semaphore};
use toolgate::grant::{
    Access, AccessError, Clock as _, DeadReason, Grant, GrantKey, GrantStore, Grants, HolderId,
    Lease, ManualClock, MemoryStore, Renew, Revision, SaveError, StoreError, Stored, TokenError,
    TokenResponse,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_make_one_renewal() {
    let bench = Arc::new(Bench::new(Provider::new()).await);
    bench.clock.advance(HOUR);
    let calls = (0..100).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.token().await })
    });
    for token in join_all(calls).await {
        assert_eq!(token.unwrap(), "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_refusals_make_one_renewal() {
    let bench = Arc::new(Bench::new(Provider::new()).await);
    let refused = bench.access().await.unwrap();
    let calls = (0..100).map(|_| {
        let (bench, refused) = (bench.clone(), refused.clone());
        tokio::spawn(async move { bench.grants.rejected(&key(), &refused, &bench.renew).await })
    });
    for access in join_all(calls).await {
        assert_eq!(access.unwrap().unwrap().token.expose_secret(), "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

/// Counts the refusals of a lease, so that a test can wait for two processes to meet.
struct Watched {
    store: Arc<dyn GrantStore>,
    refused: Arc<Semaphore>,
    broken: AtomicBool,
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
        self.store.save(key, grant, expected).await
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

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_file_make_one_renewal() {
    use toolgate::grant::{MasterKey, SqliteStore};

    let dir = tempfile::tempdir().unwrap();
    let master = MasterKey::generate();
    let clock = Arc::new(ManualClock::new());
    let provider = Provider::gated(Some(HOUR));
    let refused = Arc::new(Semaphore::new(0));
    let mut benches = Vec::new();
    for _ in 0..2 {
        let options = SqliteStore::at(dir.path()).key(master.clone()).clock(clock.clone());
        let store = Arc::new(Watched {
            store: Arc::new(options.open().await.unwrap()),
            refused: refused.clone(),
            broken: AtomicBool::new(false),
        });
        benches.push(Arc::new(Bench::with_store(provider.clone(), clock.clone(), store).await));
    }
    clock.advance(HOUR);
    let calls: Vec<_> = (0..100)
        .map(|call| {
            let bench = benches[call % 2].clone();
            tokio::spawn(async move { bench.token().await })
        })
        .collect();
    // The provider answers one of them when the other has been told to wait.
    provider.entered.notified().await;
    tokio::select! {
        permit = refused.acquire() => drop(permit.unwrap()),
        () = provider.entered.notified() => panic!("both ask the provider"),
    }
    provider.gate.close();
    for token in join_all(calls).await {
        assert_eq!(token.unwrap(), "a1");
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn near_its_end_the_old_token_serves_while_the_new_one_is_fetched() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    assert_eq!(bench.token().await, "a0");
    bench.clock.advance(Duration::from_mins(59));
    assert_eq!(bench.token().await, "a0");
    bench.provider.entered.notified().await;
    assert_eq!(bench.token().await, "a0", "the call does not wait for the provider");
    bench.provider.gate.close();
    bench.grants.settled().await;
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn a_fresh_token_is_not_renewed() {
    let bench = Bench::new(Provider::new()).await;
    bench.clock.advance(Duration::from_secs(54 * 60 + 59));
    assert_eq!(bench.token().await, "a0");
    bench.grants.settled().await;
    assert_eq!(bench.provider.asked(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_loses_nothing() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    {
        let mut access = std::pin::pin!(bench.access());
        tokio::select! {
            biased;
            _ = &mut access => panic!("the provider has not answered"),
            () = bench.provider.entered.notified() => {}
        }
    }
    bench.provider.gate.close();
    bench.grants.settled().await;
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "r1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn the_old_refresh_token_and_scopes_stay_when_the_answer_has_none() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| Ok(TokenResponse::new("a1").scopes([""; 0])));
    bench.clock.advance(HOUR);
    let access = bench.access().await.unwrap();
    assert!(access.scopes.contains("repo:read"));
    let stored = bench.stored().await;
    assert_eq!(stored.refresh_token.unwrap().expose_secret(), "r0");
    assert_eq!(stored.expires_at, None, "no expires_in is not an hour");
    bench.clock.advance(24 * HOUR);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn fewer_scopes_are_fewer_scopes() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| Ok(TokenResponse::new("a1").scopes(["user:email"])));
    bench.clock.advance(HOUR);
    assert_eq!(bench.access().await.unwrap().scopes, BTreeSet::from(["user:email".to_owned()]));
}

#[tokio::test]
async fn a_revoked_grant_is_dead_and_the_provider_is_asked_once() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(TokenError::InvalidGrant { description: Some("gone, r0\n".into()) });
    bench.clock.advance(HOUR);
    for _ in 0..3 {
        let Err(AccessError::Dead { reason }) = bench.access().await else { panic!() };
        let description = Some("gone, [redacted]".to_owned());
        assert_eq!(reason, DeadReason::InvalidGrant { description });
    }
    assert_eq!(bench.provider.asked(), 1);
    bench.grants.put(&key(), Grant::new("b0", bench.clock.now())).await.unwrap();
    assert_eq!(bench.token().await, "b0", "connecting again replaces it");
}

#[tokio::test]
async fn invalid_grant_after_another_has_renewed_is_no_loss() {
    let bench = Bench::new(Provider::new()).await;
    let (store, now) = (bench.store.clone(), bench.clock.now() + HOUR);
    // Meanwhile a process whose lease we did not see has written its own.
    bench.provider.answer(move || {
        let newer = Grant::new("b1", now).refresh_token("s1");
        futures::executor::block_on(async {
            let revision = store.load(&key()).await.unwrap().unwrap().revision;
            store.save(&key(), &newer, revision).await.unwrap();
        });
        Err(TokenError::InvalidGrant { description: None })
    });
    bench.clock.advance(HOUR);
    assert_eq!(bench.token().await, "b1");
}

#[tokio::test]
async fn a_consent_during_a_renewal_wins() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let (grants, renew) = (bench.grants.clone(), bench.renew.clone());
    let call = tokio::spawn(async move { grants.access(&key(), &renew).await });
    bench.provider.entered.notified().await;
    let consent = Grant::new("b0", bench.clock.now()).refresh_token("s0");
    bench.grants.put(&key(), consent).await.unwrap();
    bench.provider.gate.close();
    assert_eq!(call.await.unwrap().unwrap().token.expose_secret(), "b0");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "s0");
}

#[tokio::test]
async fn a_grant_removed_during_a_renewal_stays_removed() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let (grants, renew) = (bench.grants.clone(), bench.renew.clone());
    let call = tokio::spawn(async move { grants.access(&key(), &renew).await });
    bench.provider.entered.notified().await;
    bench.grants.remove(&key()).await.unwrap();
    bench.provider.gate.close();
    assert!(matches!(call.await.unwrap(), Err(AccessError::Missing)));
    assert!(bench.store.load(&key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_provider_that_is_down_costs_no_good_token_and_no_grant() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(unreachable(true));
    bench.clock.advance(Duration::from_mins(59));
    for _ in 0..5 {
        assert_eq!(bench.token().await, "a0");
        bench.grants.settled().await;
    }
    assert_eq!(bench.provider.asked(), 1, "a failure is followed by a rest");

    bench.provider.fault(unreachable(true));
    bench.clock.advance(Duration::from_mins(1));
    assert!(matches!(bench.access().await, Err(AccessError::Unreachable { .. })));
    assert_eq!(bench.token().await, "a1", "once the provider is back, the grant works");
}

#[tokio::test]
async fn a_refused_client_kills_no_grant() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.fault(TokenError::Refused { status: 401, description: "invalid_client".into() });
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Refused { status: 401, .. })));
    assert_eq!(bench.stored().await.renewal, None, "the token was not spent");
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn retry_after_is_kept() {
    let bench = Bench::new(Provider::new()).await;
    let wait = Duration::from_secs(20);
    bench.provider.fault(TokenError::Busy { retry_after: Some(wait) });
    bench.clock.advance(HOUR);
    for _ in 0..3 {
        let Err(AccessError::Busy { retry_after }) = bench.access().await else { panic!() };
        assert_eq!(retry_after, Some(wait));
    }
    assert_eq!(bench.provider.asked(), 1);
    bench.clock.advance(wait);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_left() {
    let bench = Bench::new(Provider::gated(Some(HOUR))).await;
    bench.clock.advance(HOUR);
    let Err(AccessError::Unreachable { description }) = bench.access().await else { panic!() };
    assert!(description.contains("15s"), "{description}");
    bench.provider.gate.close();
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_a_dead_process_ends() {
    let bench = Bench::new(Provider::new()).await;
    bench.clock.advance(HOUR);
    let term = Duration::from_secs(30);
    bench.store.lease(&key(), HolderId([9; 16]), term).await.unwrap().unwrap();
    assert!(matches!(bench.access().await, Err(AccessError::Busy { .. })));
    assert_eq!(bench.provider.asked(), 0);
    bench.clock.advance(term);
    assert_eq!(bench.token().await, "a1");
}

#[tokio::test]
async fn without_a_refresh_token_an_ended_token_needs_the_person() {
    let bench = Bench::new(Provider::new()).await;
    let grant = Grant::new("b0", bench.clock.now()).expires_in(HOUR);
    bench.grants.put(&key(), grant).await.unwrap();
    let access = bench.access().await.unwrap();
    let rejected = bench.grants.rejected(&key(), &access, &bench.renew).await;
    assert!(matches!(rejected, Err(AccessError::Expired)));
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Expired)));
    bench.grants.remove(&key()).await.unwrap();
    assert!(matches!(bench.access().await, Err(AccessError::Missing)));
}

#[tokio::test]
async fn a_token_that_another_task_renewed_is_handed_out_on_a_refusal() {
    let bench = Bench::new(Provider::new()).await;
    let old = bench.access().await.unwrap();
    bench.clock.advance(HOUR);
    assert_eq!(bench.token().await, "a1");
    let next = bench.grants.rejected(&key(), &old, &bench.renew).await.unwrap();
    assert_eq!(next.token.expose_secret(), "a1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn an_api_that_refuses_everything_does_not_wear_the_provider_out() {
    let bench = Bench::new(Provider::new()).await;
    let mut access = bench.access().await.unwrap();
    let error = loop {
        match bench.grants.rejected(&key(), &access, &bench.renew).await {
            Ok(next) => access = next,
            Err(error) => break error,
        }
        assert!(bench.provider.asked() < 10);
    };
    assert!(matches!(error, AccessError::Rejected));
    assert_eq!(bench.provider.asked(), 3);
    bench.clock.advance(Duration::from_mins(1));
    assert!(bench.grants.rejected(&key(), &access, &bench.renew).await.is_ok());
}

#[tokio::test]
async fn tokens_that_end_at_once_are_not_fetched_on_every_call() {
    let bench = Bench::new(Provider::with_life(Some(Duration::from_nanos(1)))).await;
    bench.clock.advance(HOUR);
    for _ in 0..50 {
        assert_eq!(bench.token().await, "a1");
    }
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_grant_that_cannot_be_written_is_not_lost() {
    let clock = Arc::new(ManualClock::new());
    let watched = Arc::new(Watched {
        store: Arc::new(MemoryStore::with_clock(clock.clone())),
        refused: Arc::new(Semaphore::new(0)),
        broken: AtomicBool::new(false),
    });
    let bench = Bench::with_store(Provider::new(), clock, watched.clone()).await;
    let breaking = watched.clone();
    bench.provider.answer(move || {
        breaking.broken.store(true, Ordering::SeqCst);
        Ok(TokenResponse::new("a1").refresh_token("r1").expires_in(HOUR))
    });
    bench.clock.advance(HOUR);
    let error = bench.access().await.unwrap_err();
    assert!(matches!(error, AccessError::Store(_)), "no token before it is durable: {error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    watched.broken.store(false, Ordering::SeqCst);
    assert_eq!(bench.token().await, "a1");
    assert_eq!(bench.stored().await.refresh_token.unwrap().expose_secret(), "r1");
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test]
async fn a_panic_in_the_client_is_an_error_and_not_a_hang() {
    let bench = Bench::new(Provider::new()).await;
    bench.provider.answer(|| panic!("a bug"));
    bench.clock.advance(HOUR);
    assert!(matches!(bench.access().await, Err(AccessError::Aborted)));
    assert_eq!(bench.token().await, "a1");
}
