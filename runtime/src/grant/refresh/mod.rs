//! Access tokens that are always fresh, and renewed once.

pub(crate) mod redeem;
pub(crate) mod refused;
pub(crate) mod renew;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, join_all},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Access, AccessError, Clock, Grant, GrantKey, GrantState, GrantStore, HolderId, Renew, Revision,
    SaveError, StoreError, TokenResponse, refresh::redeem::Parked, same_secret,
};
use crate::support::{background as task, crypto};

/// When and how patiently tokens are renewed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RefreshPolicy {
    /// How long before its end a token is renewed, and never more than a fifth of its life.
    pub lead: Duration,
    /// How long one refresh request may take.
    pub timeout: Duration,
    /// How long the right to renew lasts if its holder dies; at least twice `timeout`.
    pub lease: Duration,
    /// How often to look whether another process is done.
    pub poll: Duration,
    /// How long after a failure a token that is still good is not renewed again.
    pub cooldown: Duration,
    /// The age that a token reaches before its end alone makes it be renewed: the bound on
    /// requests to a provider whose tokens end as they are made.
    pub floor: Duration,
    /// Where in the lead each grant's renewal falls; random unless a test fixes it.
    pub seed: u64,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        let mut seed = [0; 8];
        crypto::fill_random(&mut seed);
        Self {
            lead: Duration::from_mins(5),
            timeout: Duration::from_secs(15),
            lease: Duration::from_secs(30),
            poll: Duration::from_millis(50),
            cooldown: Duration::from_secs(30),
            floor: Duration::from_secs(2),
            seed: u64::from_be_bytes(seed),
        }
    }
}

/// Hands out access tokens and keeps them fresh. Clones share everything.
///
/// The module's example shows it at work. What holds:
///
/// * A token near its end is renewed beside the call, which gets the old one meanwhile; one that
///   has ended is renewed before the call gets it.
/// * However many callers there are, one renewal is under way for a grant: in this process by a
///   task that all wait for and none can cancel, across processes by a lease in the store.
/// * A new refresh token is stored before anybody gets the new access token.
/// * A process that dies in between leaves a record. The next renewal tries the old refresh token
///   once more, and if it is refused the grant is dead with
///   [`DeadReason::Interrupted`](super::DeadReason::Interrupted).
#[derive(Clone)]
pub struct Grants {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn GrantStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: RefreshPolicy,
    pub(crate) holder: HolderId,
    flights: Mutex<HashMap<GrantKey, (Why, Flight)>>,
    memos: Mutex<HashMap<GrantKey, Memo>>,
}

type Flight = Shared<BoxFuture<'static, Result<Access, AccessError>>>;

/// What this process remembers of a grant's renewals.
#[derive(Default)]
pub(crate) struct Memo {
    /// No renewal ahead of time until then.
    pub(crate) calm_until: Option<SystemTime>,
    /// No renewal at all until then: the provider said so.
    pub(crate) busy_until: Option<SystemTime>,
    /// When tokens were renewed because the API refused them.
    pub(crate) forced: Vec<SystemTime>,
    /// A renewed grant that the store would not take.
    pub(crate) parked: Option<Parked>,
}

impl Memo {
    fn is_empty(&self) -> bool {
        self.calm_until.is_none()
            && self.busy_until.is_none()
            && self.forced.is_empty()
            && self.parked.is_none()
    }
}

/// What makes a renewal necessary.
#[derive(Clone)]
pub(crate) enum Why {
    /// The token will end soon.
    Due,
    /// The token has ended.
    Ended,
    /// The API refused this token.
    Refused { token: SecretString, obtained_at: SystemTime },
}

impl Why {
    fn refused(access: &Access) -> Self {
        Self::Refused { token: access.token.clone(), obtained_at: access.obtained_at }
    }

    /// Whether this is the refused token. A provider may answer a renewal with the same token
    /// again; that one has another time.
    fn is_refused(&self, other: &SecretString, at: SystemTime) -> bool {
        matches!(self, Self::Refused { token, obtained_at }
            if *obtained_at == at && same_secret(token, other))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Due,
    Ended,
}

impl Grants {
    /// Grants in `store`, by `clock`.
    pub fn new(store: Arc<dyn GrantStore>, clock: Arc<dyn Clock>) -> Self {
        Self::with_policy(store, clock, RefreshPolicy::default())
    }

    /// Grants that are renewed by a policy other than the default.
    pub fn with_policy(
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
        mut policy: RefreshPolicy,
    ) -> Self {
        policy.lease = policy.lease.max(policy.timeout * 2);
        let inner = Inner {
            store,
            clock,
            policy,
            holder: HolderId::random(),
            flights: Mutex::default(),
            memos: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn GrantStore> {
        &self.inner.store
    }

    /// The access token to call the provider with.
    ///
    /// # Errors
    /// [`AccessError`] tells what only the person can mend from what passes by itself.
    pub async fn access(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        if self.inner.memo(key, |memo| memo.parked.is_some()) {
            return self.renewed(key, renew, Why::Ended).await;
        }
        let stored = self.inner.store.load(key).await?.ok_or(AccessError::Missing)?;
        let grant = &stored.value;
        if let GrantState::Dead { reason } = &grant.state {
            return Err(AccessError::Dead { reason: reason.clone() });
        }
        match self.inner.standing(key, grant) {
            Standing::Good => {}
            Standing::Due => {
                let now = self.inner.clock.now();
                let calm = |until: Option<SystemTime>| until.is_some_and(|until| now < until);
                let rest = self.inner.memo(key, |m| calm(m.calm_until) || calm(m.busy_until));
                if grant.refresh_token.is_some() && !rest {
                    // A task of its own: it needs nobody to wait for it.
                    drop(self.flight(key, renew, Why::Due));
                }
            }
            Standing::Ended if grant.refresh_token.is_none() => return Err(AccessError::Expired),
            Standing::Ended => return self.renewed(key, renew, Why::Ended).await,
        }
        Ok(Access::of(grant, stored.revision))
    }

    /// The API answered 401 to `refused`: gives the token that somebody else has renewed
    /// meanwhile, or renews it.
    ///
    /// Call it once for a request and give the request up if the next token is refused too.
    ///
    /// # Errors
    /// As [`access`](Self::access); and [`AccessError::Rejected`] when the API goes on refusing
    /// what was just renewed.
    pub async fn rejected(
        &self,
        key: &GrantKey,
        refused: &Access,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        self.renewed(key, renew, Why::refused(refused)).await
    }

    /// Stores what a consent has granted, over whatever was there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put(&self, key: &GrantKey, grant: Grant) -> Result<Revision, StoreError> {
        self.inner.forget(key);
        loop {
            let expected =
                self.inner.store.load(key).await?.map_or(Revision::ABSENT, |row| row.revision);
            match self.inner.store.save(key, &grant, expected).await {
                Ok(revision) => return Ok(revision),
                // Whoever wrote has got ahead, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Stores what a code was redeemed for: the provider's answer says all that is granted now.
    pub(crate) async fn adopt(
        &self,
        key: &GrantKey,
        renewed: TokenResponse,
        scopes: BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let mut grant =
            Grant::new(renewed.access_token.expose_secret(), self.inner.clock.now()).scopes(scopes);
        if let Some(life) = renewed.expires_in {
            grant = grant.expires_in(life);
        }
        grant.refresh_token = match renewed.refresh_token {
            Some(token) => Some(token),
            // Google gives one only the first time, and it goes on being good.
            None => self.inner.store.load(key).await?.and_then(|row| row.value.refresh_token),
        };
        self.put(key, grant).await.map(drop)
    }

    /// Removes a grant here; a renewal under way does not bring it back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.inner.forget(key);
        self.inner.store.remove(key).await
    }

    /// Waits until no renewal is under way: for a server that is about to stop.
    pub async fn settled(&self) {
        loop {
            let flights: Vec<_> =
                self.inner.flights().values().map(|(_, flight)| flight.clone()).collect();
            if flights.is_empty() {
                return;
            }
            join_all(flights).await;
        }
    }

    async fn renewed(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        why: Why,
    ) -> Result<Access, AccessError> {
        // A flight that was begun for a lesser reason may end without doing what is needed here.
        for _ in 0..3 {
            let (reason, flight) = self.flight(key, renew, why.clone());
            let result = flight.await;
            match &result {
                _ if matches!(reason, Why::Due) => {}
                Ok(access) if why.is_refused(&access.token, access.obtained_at) => {}
                _ => return result,
            }
        }
        Err(AccessError::Busy { retry_after: None })
    }

    /// Joins the renewal under way, or begins one, and says why it was begun.
    fn flight(&self, key: &GrantKey, renew: &Arc<dyn Renew>, why: Why) -> (Why, Flight) {
        let mut flights = self.inner.flights();
        if let Some(flight) = flights.get(key) {
            return flight.clone();
        }
        let landing = Landing { inner: self.inner.clone(), key: key.clone() };
        let (renew, reason) = (renew.clone(), why.clone());
        // Not in the caller: a caller that goes away must not take a rotated token with it.
        let task = task::spawn(async move {
            let Landing { inner, key } = &landing;
            inner.renew(key, &renew, &reason).await
        });
        let flight = task.map(|end| end.unwrap_or(Err(AccessError::Aborted))).boxed().shared();
        flights.insert(key.clone(), (why.clone(), flight.clone()));
        (why, flight)
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}

/// Takes a flight off the list when it ends, also by a panic.
struct Landing {
    inner: Arc<Inner>,
    key: GrantKey,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.inner.flights().remove(&self.key);
    }
}

impl Inner {
    fn flights(&self) -> MutexGuard<'_, HashMap<GrantKey, (Why, Flight)>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memos(&self) -> MutexGuard<'_, HashMap<GrantKey, Memo>> {
        self.memos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memo(&self, key: &GrantKey, ask: impl FnOnce(&Memo) -> bool) -> bool {
        self.memos().get(key).is_some_and(ask)
    }

    pub(crate) fn note<T>(&self, key: &GrantKey, write: impl FnOnce(&mut Memo) -> T) -> T {
        let mut memos = self.memos();
        let memo = memos.entry(key.clone()).or_default();
        let result = write(memo);
        if memo.is_empty() {
            memos.remove(key);
        }
        result
    }

    pub(crate) fn forget(&self, key: &GrantKey) {
        self.memos().remove(key);
    }

    /// Whether the grant, as it is now, still calls for the renewal.
    pub(crate) fn needs(&self, key: &GrantKey, grant: &Grant, why: &Why) -> bool {
        let standing = self.standing(key, grant);
        match why {
            Why::Due => standing != Standing::Good,
            Why::Ended => standing == Standing::Ended,
            Why::Refused { .. } => {
                standing == Standing::Ended
                    || why.is_refused(&grant.access_token, grant.obtained_at)
            }
        }
    }

    fn standing(&self, key: &GrantKey, grant: &Grant) -> Standing {
        let Some(end) = grant.expires_at else { return Standing::Good };
        let now = self.clock.now();
        let old = now.duration_since(grant.obtained_at).is_ok_and(|age| age >= self.policy.floor);
        if !old {
            return Standing::Good;
        }
        let Ok(left) = end.duration_since(now) else { return Standing::Ended };
        let life = end.duration_since(grant.obtained_at).unwrap_or_default();
        if left.is_zero() {
            Standing::Ended
        } else if left <= self.policy.lead.min(life / 5).mul_f64(self.jitter(key)) {
            Standing::Due
        } else {
            Standing::Good
        }
    }

    /// Between a half and one, for each grant its own, so that grants of one moment are not
    /// renewed in one moment.
    fn jitter(&self, key: &GrantKey) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.policy.seed, key).hash(&mut hasher);
        let part = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        0.5 + f64::from(part) / f64::from(u32::MAX) / 2.0
    }
}
