//! One renewal: lease, record, request.
//!
//! The order matters. Before the refresh token is sent, a record of the renewal is written to the
//! grant; the response is stored before any caller gets the new token. A process that dies between
//! the two leaves the record, and a lease that expires. One that was paused for longer than its lease
//! sends nothing, and begins again.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    access::{Access, AccessError},
    held_lease::{Bounds, HeldLease},
    policy::RefreshPolicy,
    renew::Renew,
    state::{Freshness, RefreshState, RenewalReason, SpentToken},
    traced::RenewalTrace,
};
use crate::{
    grant::{
        model::{Grant, GrantKey, GrantState, Renewal, Stored},
        store_error::SaveError,
    },
    oauth::{TokenError, TokenResponse},
    support::{crash_point::crash_point, run_time},
};

/// The most renewals in a minute that the API's refusals may cause.
const MAX_FORCED_PER_MINUTE: usize = 3;

/// How often a conflicting write is repeated. After each conflict another process made progress.
pub(super) const MAX_CONFLICTS: usize = 8;

/// Whether a grant still has to be renewed.
enum Check {
    Fresh(Access),
    Renew(Box<Stored<Grant>>),
}

/// What an attempt to renew came to.
enum Attempt {
    Done(Result<Access, AccessError>),
    /// The lease ended before the request was sent.
    Lapsed,
}

impl From<Result<Access, AccessError>> for Attempt {
    fn from(result: Result<Access, AccessError>) -> Self {
        Self::Done(result)
    }
}

impl RefreshState {
    /// How long a request and a lease last. Where a provider accepts a spent token for a while, the
    /// lease of a process that died ends within a fifth of that time: the next one may die as well.
    fn bounds(&self, renew: &Arc<dyn Renew>) -> Bounds {
        let tokens = renew.refresh_tokens();
        let RefreshPolicy { timeout, lease, .. } = self.policy;
        if !tokens.rotates || tokens.leeway.is_zero() {
            return Bounds { timeout, lease };
        }
        let lease = lease.min(tokens.leeway / 5);
        Bounds { timeout: timeout.min(lease / 2), lease }
    }

    /// Renews the grant if `reason` still applies, unless another process does so first.
    pub(super) async fn renew(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: &RenewalReason,
        trace: &RenewalTrace,
    ) -> Result<Access, AccessError> {
        self.flush_pending_write(key).await?;
        let bounds = self.bounds(renew);
        // Longer than the lease of a holder that has died.
        let deadline = Instant::now() + bounds.lease + self.policy.timeout;
        loop {
            let stored = match self.check(key, renew, reason).await? {
                Check::Fresh(access) => return Ok(access),
                Check::Renew(stored) => stored,
            };
            self.check_limits(key, reason, &stored.value)?;
            if let Some(held) = self.take_lease(key, bounds).await? {
                crash_point("refresh.leased");
                match self.renew_and_release(key, renew, reason, trace, held).await {
                    Attempt::Done(result) => return result,
                    Attempt::Lapsed => continue,
                }
            }
            if matches!(reason, RenewalReason::Due) {
                return Ok(Access::new(&stored.value, stored.revision));
            }
            if Instant::now() >= deadline {
                return Err(AccessError::Busy { retry_after: None });
            }
            sleep(self.policy.poll).await;
        }
    }

    async fn renew_and_release(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: &RenewalReason,
        trace: &RenewalTrace,
        mut held: HeldLease,
    ) -> Attempt {
        let attempt = self.renew_with_lease(key, renew, reason, trace, &mut held).await;
        crash_point("refresh.releasing");
        // While the renewed grant is not stored, other processes must not use the old one.
        if !self.history(key, |history| history.pending_write.is_some())
            && let Err(error) = self.store.release(held.lease).await
        {
            tracing::warn!(provider = key.provider, %error, "lease not released; it will expire");
        }
        attempt.unwrap_or_else(|error| Attempt::Done(Err(error)))
    }

    /// Reads the grant and checks whether `reason` still applies.
    async fn check(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: &RenewalReason,
    ) -> Result<Check, AccessError> {
        let stored = self.store.load(key).await?.ok_or(AccessError::Missing)?;
        if let GrantState::Dead { reason } = &stored.value.state {
            return Err(AccessError::Dead { reason: reason.clone() });
        }
        if !renew.has_issued(&stored.value) {
            return Err(AccessError::OtherProvider);
        }
        if !self.needs_renewal(key, &stored.value, reason) {
            return Ok(Check::Fresh(Access::new(&stored.value, stored.revision)));
        }
        if stored.value.refresh_token.is_none() {
            return Err(AccessError::Expired);
        }
        Ok(Check::Renew(Box::new(stored)))
    }

    /// Whether the API refuses a token that should be good. One that has expired on its way to the API
    /// says nothing of the next one.
    fn is_forced(&self, key: &GrantKey, reason: &RenewalReason, grant: &Grant) -> bool {
        matches!(reason, RenewalReason::Refused { .. })
            && self.freshness(key, grant) != Freshness::Expired
    }

    /// Checks that the provider may be asked now.
    fn check_limits(
        &self,
        key: &GrantKey,
        reason: &RenewalReason,
        grant: &Grant,
    ) -> Result<(), AccessError> {
        let is_forced = self.is_forced(key, reason, grant);
        let now = self.clock.now();
        self.update_history(key, |history| {
            if let Some(wait) = history.busy_until.and_then(|until| until.duration_since(now).ok())
                && !wait.is_zero()
            {
                return Err(AccessError::Busy { retry_after: Some(wait) });
            }
            history
                .forced
                .retain(|at| now.duration_since(*at).is_ok_and(|age| age < Duration::from_mins(1)));
            if is_forced && history.forced.len() >= MAX_FORCED_PER_MINUTE {
                return Err(AccessError::Rejected);
            }
            Ok(())
        })
    }

    /// Records the renewal, then asks the provider.
    async fn renew_with_lease(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: &RenewalReason,
        trace: &RenewalTrace,
        held: &mut HeldLease,
    ) -> Result<Attempt, AccessError> {
        for _ in 0..MAX_CONFLICTS {
            // Once more: the former holder of the lease may have renewed the grant.
            let stored = match self.check(key, renew, reason).await? {
                Check::Fresh(access) => return Ok(Ok(access).into()),
                Check::Renew(stored) => stored,
            };
            let Stored { value: grant, revision } = *stored;
            let Some(refresh_token) = grant.refresh_token.clone() else {
                return Err(AccessError::Expired);
            };
            let interrupted =
                grant.renewal.as_ref().is_some_and(|renewal| renewal.spends(&refresh_token));
            let mut marked = grant.clone();
            if interrupted {
                tracing::warn!(
                    provider = key.provider,
                    "a renewal was interrupted; trying its refresh token once more"
                );
            } else {
                marked.renewal = Some(Renewal::new(&refresh_token, self.clock.now()));
            }
            // Also where the record is there: the process that wrote it may have been paused, and the
            // new revision tells it that its lease has ended.
            let revision = match self.store.save(key, &marked, revision).await {
                Ok(revision) => revision,
                Err(SaveError::Conflict) => continue,
                Err(SaveError::Store(error)) => return Err(error.into()),
            };
            crash_point("refresh.marked");
            if self.is_forced(key, reason, &grant) {
                self.update_history(key, |history| history.forced.push(self.clock.now()));
            }
            let spent = SpentToken { grant, refresh_token, revision, interrupted };
            return self.request(key, renew, reason, spent, trace, held).await;
        }
        Err(AccessError::Busy { retry_after: None })
    }

    /// Sends the refresh token to the provider and stores what follows from the response.
    async fn request(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        reason: &RenewalReason,
        spent: SpentToken,
        trace: &RenewalTrace,
        held: &mut HeldLease,
    ) -> Result<Attempt, AccessError> {
        let sent_at = self.clock.now();
        let Some(mut response) = self.send(key, renew, &spent, held).await? else {
            return Ok(Attempt::Lapsed);
        };
        if matches!(&response, Err(TokenError::Unreachable { maybe_sent: true, .. })) {
            let elapsed = self.clock.now().duration_since(sent_at).unwrap_or_default();
            if renew.refresh_tokens().can_be_sent_again(elapsed) {
                tracing::debug!(provider = key.provider, "an interrupted refresh is sent again");
                match self.send(key, renew, &spent, held).await? {
                    Some(again) => response = again,
                    None => return Ok(Attempt::Lapsed),
                }
            }
        }
        crash_point("refresh.answered");
        let result = match response {
            Ok(response) => {
                trace.renewed(&spent.refresh_token, &response);
                self.commit(key, spent, response, sent_at).await
            }
            Err(TokenError::InvalidGrant { description }) => {
                self.mark_dead(key, &spent, description).await
            }
            Err(TokenError::Unreachable { description, maybe_sent }) => {
                self.back_off(key, &spent, maybe_sent, None).await;
                Err(AccessError::Unreachable { description })
            }
            Err(error @ TokenError::Refused { .. }) => {
                self.refused(key, reason, spent, error).await
            }
            Err(TokenError::Busy { retry_after }) => {
                self.back_off(key, &spent, false, retry_after).await;
                Err(AccessError::Busy { retry_after })
            }
        };
        crash_point("refresh.stored");
        Ok(result.into())
    }

    /// Sends the refresh token once. `None`: the lease has ended, and nothing was sent.
    async fn send(
        &self,
        key: &GrantKey,
        renew: &Arc<dyn Renew>,
        spent: &SpentToken,
        held: &mut HeldLease,
    ) -> Result<Option<Result<TokenResponse, TokenError>>, AccessError> {
        if held.has_lapsed() && !self.prolong(key, held, spent.revision).await? {
            return Ok(None);
        }
        let latest = held.last_sending().into_std();
        let request = renew.renew_before(latest, &spent.refresh_token, &spent.grant);
        let response = run_time::timeout(held.timeout(), request).await.unwrap_or_else(|_| {
            let description = format!("no answer within {:?}", held.timeout());
            Err(TokenError::Unreachable { description, maybe_sent: true })
        });
        let is_unsent = matches!(response, Err(TokenError::Unreachable { maybe_sent: false, .. }));
        Ok((!is_unsent || !held.has_lapsed()).then_some(response))
    }

    /// After a refusal that is not `invalid_grant`. Providers have many words for a refresh token
    /// that is no longer good, so the second in a row ends the grant: the person is asked, and not
    /// sent away for ever. A token that has not expired is used until then.
    async fn refused(
        &self,
        key: &GrantKey,
        reason: &RenewalReason,
        spent: SpentToken,
        error: TokenError,
    ) -> Result<Access, AccessError> {
        let is_of_client = error.is_of_client();
        let TokenError::Refused { status, description } = error else {
            return Err(AccessError::Busy { retry_after: None });
        };
        let was_refused = self.update_history(key, |history| {
            std::mem::replace(&mut history.was_refused, !is_of_client)
        });
        if was_refused && !is_of_client && !matches!(reason, RenewalReason::Due) {
            return self.mark_dead(key, &spent, Some(description)).await;
        }
        self.back_off(key, &spent, false, None).await;
        Err(AccessError::Refused { status, description })
    }
}
