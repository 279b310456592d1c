//! State of a process's renewals: what they work with, and what they remember of each grant.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use secrecy::SecretString;

use super::{access::Access, policy::RefreshPolicy};
use crate::{
    grant::{
        audit::AuditTrail,
        model::{Grant, GrantKey, Revision, same_secret},
        store::{GrantStore, HolderId},
    },
    support::clock::Clock,
};

/// The store, clock and policy of [`Grants`](super::Grants), and the history of each grant.
pub(super) struct RefreshState {
    pub(super) store: Arc<dyn GrantStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: RefreshPolicy,
    pub(super) holder: HolderId,
    pub(super) audit: AuditTrail,
    histories: Mutex<HashMap<GrantKey, RenewalHistory>>,
}

/// What this process remembers of a grant's renewals.
#[derive(Default)]
pub(super) struct RenewalHistory {
    /// How many renewals have failed in a row, for reasons that may pass.
    pub(super) failures: u32,
    /// Until then the token is not renewed before it expires.
    pub(super) backoff_until: Option<SystemTime>,
    /// Until then the token is not renewed at all, because the provider asked for that.
    pub(super) busy_until: Option<SystemTime>,
    /// When tokens were renewed because the API refused them.
    pub(super) forced: Vec<SystemTime>,
    /// Whether the provider refused the last renewal, for a reason that may be of the grant.
    pub(super) was_refused: bool,
    /// A renewed grant that the store did not accept.
    pub(super) pending_write: Option<PendingWrite>,
}

impl RenewalHistory {
    fn is_empty(&self) -> bool {
        self.failures == 0
            && self.backoff_until.is_none()
            && self.busy_until.is_none()
            && self.forced.is_empty()
            && !self.was_refused
            && self.pending_write.is_none()
    }
}

/// A refresh token that is about to be spent, and the row it came from.
#[derive(Clone)]
pub(super) struct SpentToken {
    pub(super) grant: Grant,
    pub(super) refresh_token: SecretString,
    /// The revision of the row that holds the record of the renewal.
    pub(super) revision: Revision,
    /// Whether an earlier renewal with this token was interrupted.
    pub(super) interrupted: bool,
}

/// A renewed grant that the store did not accept. It is kept in memory so that the new refresh token
/// is not lost while the process lives.
#[derive(Clone)]
pub(super) struct PendingWrite {
    pub(super) spent: SpentToken,
    pub(super) renewed: Grant,
}

/// Why a token is renewed.
#[derive(Clone)]
pub(super) enum RenewalReason {
    /// It expires soon.
    Due,
    /// It has expired.
    Expired,
    /// The API refused it.
    Refused { token: SecretString, obtained_at: SystemTime },
}

impl RenewalReason {
    pub(super) fn refused(access: &Access) -> Self {
        Self::Refused { token: access.token.clone(), obtained_at: access.obtained_at }
    }

    /// Whether this is the refused token. A provider may respond to a renewal with the same token;
    /// that one was obtained at another time.
    pub(super) fn is_refused(&self, other: &SecretString, at: SystemTime) -> bool {
        matches!(self, Self::Refused { token, obtained_at }
            if *obtained_at == at && same_secret(token, other))
    }
}

/// How close an access token is to its expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// It is valid, and should be renewed.
    Due,
    Expired,
}

impl RefreshState {
    pub(super) fn new(
        store: Arc<dyn GrantStore>,
        clock: Arc<dyn Clock>,
        policy: RefreshPolicy,
        audit: AuditTrail,
    ) -> Self {
        let (holder, histories) = (HolderId::random(), Mutex::default());
        Self { store, clock, policy, holder, audit, histories }
    }

    fn histories(&self) -> MutexGuard<'_, HashMap<GrantKey, RenewalHistory>> {
        self.histories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a question about a grant's history; `false` if it has none.
    pub(super) fn history(
        &self,
        key: &GrantKey,
        ask: impl FnOnce(&RenewalHistory) -> bool,
    ) -> bool {
        self.histories().get(key).is_some_and(ask)
    }

    /// Changes a grant's history, and removes it if nothing is left in it.
    pub(super) fn update_history<T>(
        &self,
        key: &GrantKey,
        update: impl FnOnce(&mut RenewalHistory) -> T,
    ) -> T {
        let mut histories = self.histories();
        let history = histories.entry(key.clone()).or_default();
        let result = update(history);
        if history.is_empty() {
            histories.remove(key);
        }
        result
    }

    pub(super) fn forget_history(&self, key: &GrantKey) {
        self.histories().remove(key);
    }

    /// Whether the grant in its present state has to be renewed for this reason.
    pub(super) fn needs_renewal(
        &self,
        key: &GrantKey,
        grant: &Grant,
        reason: &RenewalReason,
    ) -> bool {
        let freshness = self.freshness(key, grant);
        match reason {
            RenewalReason::Due => freshness != Freshness::Fresh,
            RenewalReason::Expired => freshness == Freshness::Expired,
            RenewalReason::Refused { .. } => {
                freshness == Freshness::Expired
                    || reason.is_refused(&grant.access_token, grant.obtained_at)
            }
        }
    }

    pub(super) fn freshness(&self, key: &GrantKey, grant: &Grant) -> Freshness {
        let Some(expires_at) = grant.expires_at else { return Freshness::Fresh };
        let now = self.clock.now();
        let age = now.duration_since(grant.obtained_at);
        if !age.is_ok_and(|age| age >= self.policy.floor) {
            return Freshness::Fresh;
        }
        let Ok(left) = expires_at.duration_since(now) else { return Freshness::Expired };
        let lifetime = expires_at.duration_since(grant.obtained_at).unwrap_or_default();
        if left.is_zero() {
            Freshness::Expired
        } else if left <= self.policy.lead.min(lifetime / 5).mul_f64(self.jitter(key, 0)) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// How long a token that is still valid is not renewed after so many failures in a row. It doubles
    /// with each, and differs from grant to grant: a provider that comes back is not asked for all
    /// grants at once.
    pub(super) fn rest(&self, key: &GrantKey, failures: u32) -> Duration {
        let longest = self.policy.lead.max(self.policy.cooldown);
        let doubled = self.policy.cooldown * 2_u32.pow(failures.saturating_sub(1).min(8));
        doubled.min(longest).mul_f64(self.jitter(key, failures))
    }

    /// A factor between 0.5 and 1 that differs from grant to grant, so that grants of the same age
    /// are not renewed at the same moment, and from one failure to the next.
    fn jitter(&self, key: &GrantKey, failures: u32) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.policy.seed, key, failures).hash(&mut hasher);
        let part = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        0.5 + f64::from(part) / f64::from(u32::MAX) / 2.0
    }
}
