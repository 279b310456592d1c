//! Events of a renewal: its begin, the calls that join it, and its end.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use secrecy::SecretString;

use super::{
    access::{Access, AccessError},
    state::RenewalReason,
};
use crate::{
    grant::{
        audit::AuditTrail,
        model::{GrantKey, same_secret},
    },
    oauth::TokenResponse,
    trace::{
        EventKind, Found, RefreshFailure, RefreshOutcome, RefreshReason, Span, ms_since, within,
    },
};

/// What the events of a renewal belong to. It is empty without an observer and an audit.
#[derive(Clone, Default)]
pub(super) struct RenewalTrace(Option<Arc<Traced>>);

struct Traced {
    span: Span,
    started: Option<Instant>,
    joined: AtomicU32,
    /// The new token, if this process got one.
    renewed: Mutex<Option<NewToken>>,
}

#[derive(Clone, Copy)]
struct NewToken {
    expires_in: Option<Duration>,
    /// Whether the refresh token is another one.
    rotated: bool,
}

impl RenewalTrace {
    /// Reports that the call of `span` begins a renewal.
    pub(super) fn begin(
        span: &Span,
        key: &GrantKey,
        reason: &RenewalReason,
        audit: &AuditTrail,
    ) -> Self {
        if !span.is_observed() && !audit.is_kept() {
            return Self(None);
        }
        let span = span.child();
        span.emit(|| EventKind::RefreshBegun {
            provider: Found::new(&key.provider),
            reason: match reason {
                RenewalReason::Due => RefreshReason::Due,
                RenewalReason::Expired => RefreshReason::Expired,
                RenewalReason::Refused { .. } => RefreshReason::Refused,
            },
        });
        let (started, joined) = (span.now(), AtomicU32::new(0));
        Self(Some(Arc::new(Traced { span, started, joined, renewed: Mutex::default() })))
    }

    /// Reports that the call of `span` joins it.
    pub(super) fn join(&self, span: &Span, key: &GrantKey) {
        let Some(traced) = &self.0 else { return };
        traced.joined.fetch_add(1, Ordering::Relaxed);
        if let Some(refresh) = traced.span.id() {
            span.emit(|| EventKind::RefreshJoined { provider: Found::new(&key.provider), refresh });
        }
    }

    /// Does something for the renewal.
    pub(super) async fn within<T>(&self, doing: impl Future<Output = T>) -> T {
        match &self.0 {
            Some(traced) => within(&traced.span, doing).await,
            None => doing.await,
        }
    }

    /// Notes what the provider answered.
    pub(super) fn renewed(&self, spent: &SecretString, response: &TokenResponse) {
        let Some(traced) = &self.0 else { return };
        let rotated =
            response.refresh_token.as_ref().is_some_and(|token| !same_secret(token, spent));
        let token = NewToken { expires_in: response.expires_in, rotated };
        *traced.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Whether this process got a new token.
    pub(super) fn was_renewed(&self) -> bool {
        let Some(traced) = &self.0 else { return false };
        traced.renewed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn end(&self, provider: &str, result: Result<(), (RefreshFailure, Option<u16>)>) {
        let Some(traced) = &self.0 else { return };
        let provider = Found::new(provider);
        let (joined, ms) = (traced.joined.load(Ordering::Relaxed), ms_since(traced.started));
        traced.span.emit(|| match result {
            Ok(()) => {
                let renewed = *traced.renewed.lock().unwrap_or_else(PoisonError::into_inner);
                let outcome = match renewed {
                    Some(_) => RefreshOutcome::Renewed,
                    None => RefreshOutcome::Fresh,
                };
                let rotated = renewed.is_some_and(|token| token.rotated);
                let expires_in_s = renewed.and_then(|token| token.expires_in);
                let expires_in_s = expires_in_s.map(|left| left.as_secs());
                EventKind::RefreshDone { provider, outcome, joined, rotated, expires_in_s, ms }
            }
            Err((reason, status)) => {
                EventKind::RefreshFailed { provider, reason, status, joined, ms }
            }
        });
    }
}

/// A renewal that is under way. If it is dropped before its end, it was aborted.
pub(super) struct TracedRenewal {
    pub(super) trace: RenewalTrace,
    provider: String,
    has_ended: bool,
}

impl TracedRenewal {
    pub(super) fn new(trace: RenewalTrace, key: &GrantKey) -> Self {
        let provider = trace.0.as_ref().map(|_| key.provider.clone()).unwrap_or_default();
        Self { trace, provider, has_ended: false }
    }

    pub(super) fn end(mut self, result: &Result<Access, AccessError>) {
        self.has_ended = true;
        let result = result.as_ref().map(drop).map_err(|error| (failure(error), error.status()));
        self.trace.end(&self.provider, result);
    }
}

impl Drop for TracedRenewal {
    fn drop(&mut self) {
        if !self.has_ended {
            self.trace.end(&self.provider, Err((RefreshFailure::Aborted, None)));
        }
    }
}

pub(super) fn failure(error: &AccessError) -> RefreshFailure {
    match error {
        AccessError::Missing => RefreshFailure::Missing,
        AccessError::Dead { .. } => RefreshFailure::Dead,
        AccessError::OtherProvider => RefreshFailure::OtherProvider,
        AccessError::Expired => RefreshFailure::Expired,
        AccessError::Unreachable { .. } => RefreshFailure::Unreachable,
        AccessError::Refused { .. } => RefreshFailure::Refused,
        AccessError::Busy { .. } => RefreshFailure::Busy,
        AccessError::Rejected => RefreshFailure::Rejected,
        AccessError::Store(_) => RefreshFailure::Store,
        AccessError::Aborted => RefreshFailure::Aborted,
    }
}
