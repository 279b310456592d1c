//! Storing the result of a renewal.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep};

use super::{
    access::{Access, AccessError},
    renewal::MAX_CONFLICTS,
    state::{PendingWrite, RefreshState, SpentToken},
};
use crate::support::escape;
use crate::{
    grant::{
        model::{DeadReason, Grant, GrantKey, GrantState, same_secret},
        store_error::SaveError,
    },
    oauth::TokenResponse,
};

/// How often a write is tried that the store does not accept.
const MAX_WRITES: u32 = 5;

/// After how long it is not tried again, as the call waits.
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);

/// The wait before the second of these tries; it doubles with each.
const WRITE_RETRY_WAIT: Duration = Duration::from_millis(50);

/// The longest `Retry-After` that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

impl RefreshState {
    /// Stores the renewed grant. Retries, because the refresh token that it replaces is spent.
    pub(super) async fn commit(
        &self,
        key: &GrantKey,
        spent: SpentToken,
        response: TokenResponse,
        sent_at: SystemTime,
    ) -> Result<Access, AccessError> {
        let old = &spent.grant;
        let lifetime = response.expires_in.filter(|lifetime| !lifetime.is_zero());
        let mut placeholders = old.placeholders.clone();
        placeholders.extend(response.placeholders);
        let renewed = Grant {
            access_token: response.access_token,
            refresh_token: response.refresh_token.or_else(|| old.refresh_token.clone()),
            scopes: response
                .scopes
                .filter(|scopes| !scopes.is_empty())
                .unwrap_or_else(|| old.scopes.clone()),
            expires_at: lifetime.and_then(|lifetime| sent_at.checked_add(lifetime)),
            obtained_at: self.clock.now(),
            state: GrantState::Live,
            renewal: None,
            clients: old.clients.clone(),
            origin: old.origin.clone(),
            placeholders,
            account: old.account.clone(),
        };
        let (begun, mut wait, mut tries) = (Instant::now(), WRITE_RETRY_WAIT, 1);
        loop {
            let error = match self.write(key, &spent, &renewed).await {
                Err(AccessError::Store(error)) => error,
                done => return self.clear_backoff(key, done),
            };
            if tries == MAX_WRITES || begun.elapsed() > WRITE_TIMEOUT {
                tracing::error!(
                    provider = key.provider, %error,
                    "a renewed grant could not be stored; it is kept in memory and tried again"
                );
                let pending = PendingWrite { spent, renewed };
                self.update_history(key, |history| history.pending_write = Some(pending));
                return self.clear_backoff(key, Err(AccessError::Store(error)));
            }
            tracing::warn!(provider = key.provider, %error, "renewed grant not yet stored");
            sleep(wait).await;
            (wait, tries) = (wait * 2, tries + 1);
        }
    }

    /// Replaces the grant whose refresh token was spent, and no other.
    async fn write(
        &self,
        key: &GrantKey,
        spent: &SpentToken,
        renewed: &Grant,
    ) -> Result<Access, AccessError> {
        let mut expected = spent.revision;
        let mut renewed = Cow::Borrowed(renewed);
        for _ in 0..MAX_CONFLICTS {
            match self.store.save(key, &renewed, expected).await {
                Ok(revision) => return Ok(Access::new(&renewed, revision)),
                Err(SaveError::Store(error)) => return Err(error.into()),
                Err(SaveError::Conflict) => {}
            }
            // A user who disconnected in the meantime stays disconnected.
            let row = self.store.load(key).await?.ok_or(AccessError::Missing)?;
            if !has_refresh_token(&row.value, &spent.refresh_token) {
                // Another consent, or a process that took the expired lease, stored a newer grant.
                return Access::from_live(&row);
            }
            expected = row.revision;
            // The user has allowed a client in the meantime, or taken one away, or renamed the account.
            renewed.to_mut().clients = row.value.clients;
            renewed.to_mut().account = row.value.account;
        }
        Err(AccessError::Busy { retry_after: None })
    }

    /// Tries again to store a renewed grant that the store did not accept.
    pub(super) async fn flush_pending_write(&self, key: &GrantKey) -> Result<(), AccessError> {
        let pending = self.update_history(key, |history| history.pending_write.clone());
        let Some(pending) = pending else { return Ok(()) };
        match self.write(key, &pending.spent, &pending.renewed).await {
            Err(error @ AccessError::Store(_)) => return Err(error),
            Ok(_) | Err(_) => self.update_history(key, |history| history.pending_write = None),
        }
        Ok(())
    }

    /// After `invalid_grant`: marks the grant as dead, unless another process has renewed it.
    pub(super) async fn mark_dead(
        &self,
        key: &GrantKey,
        spent: &SpentToken,
        description: Option<String>,
    ) -> Result<Access, AccessError> {
        let reason = if spent.interrupted {
            DeadReason::Interrupted
        } else {
            let description = description.map(|text| printable(&text, &spent.refresh_token));
            DeadReason::InvalidGrant { description }
        };
        tracing::warn!(provider = key.provider, %reason, "the grant is dead");
        for _ in 0..MAX_CONFLICTS {
            let row = self.store.load(key).await?.ok_or(AccessError::Missing)?;
            let renewed_elsewhere = !has_refresh_token(&row.value, &spent.refresh_token)
                || row.value.obtained_at != spent.grant.obtained_at;
            if renewed_elsewhere {
                return Access::from_live(&row);
            }
            let mut dead = row.value;
            dead.state = GrantState::Dead { reason: reason.clone() };
            dead.renewal = None;
            match self.store.save(key, &dead, row.revision).await {
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => {
                    tracing::warn!(provider = key.provider, %error, "could not mark it dead");
                    break;
                }
                Ok(_) => break,
            }
        }
        self.clear_backoff(key, Err(AccessError::Dead { reason }))
    }

    /// After a failure that may pass: keeps the grant. The record of the renewal stays too if the
    /// refresh token may be spent.
    pub(super) async fn back_off(
        &self,
        key: &GrantKey,
        spent: &SpentToken,
        maybe_spent: bool,
        retry_after: Option<Duration>,
    ) {
        let now = self.clock.now();
        self.update_history(key, |history| {
            history.failures = history.failures.saturating_add(1);
            history.backoff_until = now.checked_add(self.rest(key, history.failures));
            history.busy_until =
                retry_after.and_then(|wait| now.checked_add(wait.min(MAX_RETRY_AFTER)));
        });
        if !maybe_spent && !spent.interrupted {
            // After a conflict the row is newer, and a record that remains only makes a later
            // reason say "interrupted".
            if let Err(SaveError::Store(error)) =
                self.store.save(key, &spent.grant, spent.revision).await
            {
                tracing::warn!(provider = key.provider, %error, "record of a renewal not removed");
            }
        }
    }

    /// The provider answered, so there is nothing to wait for.
    fn clear_backoff<T>(&self, key: &GrantKey, result: T) -> T {
        self.update_history(key, |history| {
            (history.backoff_until, history.busy_until) = (None, None);
            (history.failures, history.was_refused) = (0, false);
        });
        result
    }
}

fn has_refresh_token(grant: &Grant, refresh_token: &SecretString) -> bool {
    grant.refresh_token.as_ref().is_some_and(|held| same_secret(held, refresh_token))
}

/// A provider's text: short, on one line, and without the token.
fn printable(text: &str, secret: &SecretString) -> String {
    let mut text = text.to_owned();
    if !secret.expose_secret().is_empty() {
        text = text.replace(secret.expose_secret(), "[redacted]");
    }
    escape::printable(&text)
}
