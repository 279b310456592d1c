//! Access tokens that are renewed before they expire.

pub(crate) mod access;
mod audited;
mod commit;
mod held_lease;
pub(crate) mod policy;
mod reject;
pub(crate) mod renew;
mod renewal;
mod state;
mod traced;

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use self::{
    access::{Access, AccessError},
    policy::RefreshPolicy,
    renew::Renew,
    state::{Freshness, RefreshState, RenewalReason},
    traced::{RenewalTrace, TracedRenewal},
};
use super::{
    audit::AuditTrail,
    model::{Grant, GrantKey, GrantState, Revision, Stored},
    store::GrantStore,
    store_error::{SaveError, StoreError},
};
use crate::{
    support::{
        clock::Clock,
        single_flight::{Flight, SingleFlight},
    },
    trace::{Span, within},
};
use futures::future::join_all;

/// How long it takes to store the result of a renewal, where the store answers.
const STORE_TIME: Duration = Duration::from_secs(2);

/// How often a caller joins a renewal that does not do what it needs.
const MAX_JOINS: usize = 3;

/// Returns access tokens and renews them. Clones share everything.
///
/// See the [module](super)'s example. It guarantees:
///
/// * A token that expires soon is renewed in the background, and the caller gets the old one; a
///   token that has expired is renewed before the caller gets it.
/// * However many callers there are, a grant has one renewal in progress: in this process by a task
///   that all wait for and none can cancel, across processes by a lease in the store.
/// * A new refresh token is stored before any caller gets the new access token.
/// * A process that dies in between leaves a record. The next renewal tries the old refresh token
///   once more, and if it is refused the grant is dead with
///   [`DeadReason::Interrupted`](super::DeadReason::Interrupted).
#[derive(Clone)]
pub struct Grants {
    state: Arc<RefreshState>,
    renewals: Renewals,
}

/// The renewals in progress, each with why it was begun.
type Renewals = SingleFlight<GrantKey, Result<Access, AccessError>, RenewalLabel>;

/// Why a renewal was begun, and what its events belong to.
#[derive(Clone)]
struct RenewalLabel {
    reason: RenewalReason,
    trace: RenewalTrace,
}

impl Grants {
    /// Creates grants in `store`, with time from `clock`.
    pub fn new(store: Arc<dyn GrantStore>, clock: Arc<dyn Clock>) -> Self {
        Self::with_policy(store, clock, RefreshPolicy::default())
    }

    /// Creates grants that are renewed by another policy than the default.
    pub fn with_policy(
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
        policy: RefreshPolicy,
    ) -> Self {
        Self::audited(store, clock, policy, AuditTrail::default())
    }

    /// As [`with_policy`](Self::with_policy), with what happens to them kept in `audit`.
    pub(crate) fn audited(
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
        mut policy: RefreshPolicy,
        audit: AuditTrail,
    ) -> Self {
        policy.lease = policy.lease.max(policy.timeout * 2);
        let state = Arc::new(RefreshState::new(store, clock, policy, audit));
        Self { state, renewals: Renewals::default() }
    }

    /// Where it is kept what happens to grants.
    pub(crate) fn audit(&self) -> &AuditTrail {
        &self.state.audit
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn GrantStore> {
        &self.state.store
    }

    pub(in crate::grant) fn policy(&self) -> &RefreshPolicy {
        &self.state.policy
    }

    /// How long a renewal takes at most, its result stored.
    pub(crate) fn longest_renewal(&self) -> Duration {
        self.state.policy.timeout + STORE_TIME
    }

    pub(in crate::grant) fn now(&self) -> SystemTime {
        self.state.clock.now()
    }

    /// Forgets what was remembered of the renewals of a grant that another one replaces.
    pub(in crate::grant) fn forget_history(&self, key: &GrantKey) {
        self.state.forget_history(key);
    }

    /// Returns an access token for calls to the provider.
    ///
    /// # Errors
    ///
    /// [`AccessError`] separates what only the user can resolve from what passes.
    pub async fn access(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        self.access_in(&Span::default(), key, renew).await
    }

    /// As [`access`](Self::access), for the call that `span` is of.
    pub(crate) async fn access_in(
        &self,
        span: &Span,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        let stored = within(span, self.state.store.load(key)).await?;
        self.access_of(span, key, stored, renew).await
    }

    /// As [`access_in`](Self::access_in), of the row that was loaded.
    pub(in crate::grant) async fn access_of(
        &self,
        span: &Span,
        key: &GrantKey,
        stored: Option<Stored<Grant>>,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        if self.state.history(key, |history| history.pending_write.is_some()) {
            return self.renewed(span, key, renew, RenewalReason::Expired).await;
        }
        let stored = stored.ok_or(AccessError::Missing)?;
        let grant = &stored.value;
        if let GrantState::Dead { reason } = &grant.state {
            return Err(AccessError::Dead { reason: reason.clone() });
        }
        if !renew.has_issued(grant) {
            return Err(AccessError::OtherProvider);
        }
        match self.state.freshness(key, grant) {
            Freshness::Fresh => {}
            Freshness::Due => {
                let now = self.state.clock.now();
                let waits = |until: Option<SystemTime>| until.is_some_and(|until| now < until);
                let backs_off = self.state.history(key, |history| {
                    waits(history.backoff_until) || waits(history.busy_until)
                });
                // Calls in progress use the token that a renewal would end.
                let ends_this_one = renew.refresh_tokens().revokes_access_token;
                if grant.refresh_token.is_some() && !backs_off && !ends_this_one {
                    // It runs in a task of its own; no caller waits for it.
                    drop(self.join_or_start(span, key, renew, RenewalReason::Due));
                }
            }
            Freshness::Expired if grant.refresh_token.is_none() => {
                return Err(AccessError::Expired);
            }
            Freshness::Expired => {
                return self.renewed(span, key, renew, RenewalReason::Expired).await;
            }
        }
        Ok(Access::new(grant, stored.revision))
    }

    /// Returns another token after the API answered 401 to `refused`: one that another caller has
    /// renewed in the meantime, or a new one.
    ///
    /// Call it once per request. If the next token is refused too, the request has failed.
    ///
    /// # Errors
    ///
    /// As [`access`](Self::access), and [`AccessError::Rejected`] if the API keeps refusing renewed
    /// tokens.
    pub async fn rejected(
        &self,
        key: &GrantKey,
        refused: &Access,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        self.rejected_in(&Span::default(), key, refused, renew).await
    }

    /// As [`rejected`](Self::rejected), for the call that `span` is of.
    pub(crate) async fn rejected_in(
        &self,
        span: &Span,
        key: &GrantKey,
        refused: &Access,
        renew: &Arc<dyn Renew>,
    ) -> Result<Access, AccessError> {
        self.renewed(span, key, renew, RenewalReason::refused(refused)).await
    }

    /// Stores a grant, replacing the one that is there.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn put(&self, key: &GrantKey, grant: Grant) -> Result<Revision, StoreError> {
        self.state.forget_history(key);
        loop {
            let expected =
                self.state.store.load(key).await?.map_or(Revision::ABSENT, |row| row.revision);
            match self.state.store.save(key, &grant, expected).await {
                Ok(revision) => return Ok(revision),
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Removes a grant. A renewal in progress does not bring it back.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn remove(&self, key: &GrantKey) -> Result<(), StoreError> {
        self.state.forget_history(key);
        self.state.store.remove(key).await
    }

    /// Waits until no renewal is in progress: for a server that is about to stop.
    pub async fn settled(&self) {
        loop {
            let renewals = self.renewals.under_way();
            if renewals.is_empty() {
                return;
            }
            join_all(renewals.into_iter().map(Flight::outcome)).await;
        }
    }

    /// Whether no renewal is in progress.
    pub(crate) fn are_settled(&self) -> bool {
        self.renewals.under_way().is_empty()
    }

    async fn renewed(
        &self,
        span: &Span,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: RenewalReason,
    ) -> Result<Access, AccessError> {
        // A renewal that began for another reason may end without a new token.
        for _ in 0..MAX_JOINS {
            let renewal = self.join_or_start(span, key, renew, reason.clone());
            let begun_for = renewal.label.reason.clone();
            let result = renewal.outcome().await.unwrap_or(Err(AccessError::Aborted));
            match &result {
                _ if matches!(begun_for, RenewalReason::Due) => {}
                Ok(access) if reason.is_refused(&access.token, access.obtained_at) => {}
                _ => return result,
            }
        }
        Err(AccessError::Busy { retry_after: None })
    }

    /// Joins the renewal in progress, or starts one: in a task of its own, because a caller that is
    /// cancelled must not lose a rotated token.
    fn join_or_start(
        &self,
        span: &Span,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: RenewalReason,
    ) -> Flight<Result<Access, AccessError>, RenewalLabel> {
        let mut begins = false;
        let started = self.renewals.join_or_start(key, || {
            begins = true;
            let (state, key, renew) = (Arc::clone(&self.state), key.clone(), Arc::clone(renew));
            let why = reason.clone();
            let trace = RenewalTrace::begin(span, &key, &reason, &state.audit);
            let (traced, trace_of) = (TracedRenewal::new(trace.clone(), &key), trace.clone());
            let work = async move {
                let renewal = state.renew(&key, &renew, &why, &traced.trace);
                let result = traced.trace.within(renewal).await;
                traced.end(&result);
                audited::renewal(&state.audit, &key, &trace_of, &result);
                result
            };
            Ok::<_, Infallible>((RenewalLabel { reason, trace }, work))
        });
        match started {
            Ok(renewal) => {
                if !begins {
                    renewal.label.trace.join(span, key);
                }
                renewal
            }
            Err(never) => match never {},
        }
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grants").field("policy", &self.state.policy).finish_non_exhaustive()
    }
}
