//! Disconnection of an account: its grant is removed, and revoked at the provider (RFC 7009).

use tokio::time::{Instant, sleep};

use super::{
    audit::entry::{AuditEvent, Facts},
    model::{Grant, GrantKey},
    refresh::Grants,
    store::{HolderId, Lease},
    store_error::StoreError,
};
use crate::{
    oauth::UpstreamClient,
    support::{background as task, crash_point::crash_point},
};

/// The result of disconnecting an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectOutcome {
    /// There was no grant of this provider.
    NothingGranted,
    /// The provider has revoked the tokens.
    Revoked,
    /// The tokens are removed here. The provider has no revocation endpoint, so only the user can
    /// revoke the grant, in the provider's settings.
    Forgotten,
    /// The tokens are removed here, but the provider did not confirm that it has revoked them.
    NotRevoked,
}

impl DisconnectOutcome {
    /// Its stable name.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NothingGranted => "nothing_granted",
            Self::Revoked => "revoked",
            Self::Forgotten => "forgotten",
            Self::NotRevoked => "not_revoked",
        }
    }
}

impl Grants {
    /// Revokes the tokens of `subject`'s first account at the provider, and removes its grant.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) async fn disconnect(
        &self,
        oauth: &UpstreamClient,
        subject: &str,
    ) -> Result<DisconnectOutcome, StoreError> {
        self.disconnect_account(oauth, GrantKey::new(subject, oauth.registration.id)).await
    }

    /// Revokes the tokens of an account's grant at the provider, and removes it.
    ///
    /// It runs in a task of its own, which a caller that is cancelled does not stop.
    pub(crate) async fn disconnect_account(
        &self,
        oauth: &UpstreamClient,
        key: GrantKey,
    ) -> Result<DisconnectOutcome, StoreError> {
        let (grants, oauth) = (self.clone(), oauth.clone());
        let disconnected = task::spawn(async move {
            let Some((grant, lease)) = grants.hold(&key).await? else {
                return Ok(DisconnectOutcome::NothingGranted);
            };
            // Another provider with the same ID may have given it, which is not the one to ask.
            let own = grant.is_issued_by(&oauth);
            // The tokens are removed last: a process that dies in between leaves a grant that can be
            // disconnected again, and not tokens that nobody knows.
            let outcome = match oauth.for_person(&grant.placeholders) {
                Ok(oauth) if own => revoke(&oauth, &grant).await,
                _ => DisconnectOutcome::NotRevoked,
            };
            crash_point("disconnect.revoked");
            let removed = grants.remove_account(&key, Some(&grant)).await;
            crash_point("disconnect.removed");
            grants.let_go(lease).await;
            removed?;
            grants.keep_disconnection(&key, outcome);
            Ok(outcome)
        });
        disconnected
            .await
            .unwrap_or_else(|error| Err(StoreError::unavailable("disconnecting", error)))
    }

    /// Returns the grant, whose tokens nobody renews until the lease is let go. Waits for a renewal in
    /// progress, for as long as one may take, because the tokens that it obtains are the ones to revoke.
    async fn hold(&self, key: &GrantKey) -> Result<Option<(Grant, Option<Lease>)>, StoreError> {
        let (store, policy) = (self.store(), self.policy());
        // A new holder, so that it waits for the renewals of this process too.
        let holder = HolderId::random();
        let deadline = Instant::now() + policy.timeout;
        let lease = loop {
            if store.load(key).await?.is_none_or(|row| row.value.is_disconnected()) {
                return Ok(None);
            }
            let lease = store.lease(key, holder, policy.lease).await?;
            if lease.is_some() || Instant::now() >= deadline {
                break lease;
            }
            sleep(policy.poll).await;
        };
        crash_point("disconnect.leased");
        match store.load(key).await {
            Ok(Some(stored)) => Ok(Some((stored.value, lease))),
            other => {
                self.let_go(lease).await;
                other.map(|_| None)
            }
        }
    }

    /// Removes the grant and returns it. Its tokens are not revoked.
    #[allow(dead_code, reason = "administration and tests use it")]
    pub(crate) async fn take(&self, key: &GrantKey) -> Result<Option<Grant>, StoreError> {
        let Some((grant, lease)) = self.hold(key).await? else { return Ok(None) };
        let removed = self.remove_account(key, Some(&grant)).await;
        self.let_go(lease).await;
        removed?;
        self.keep_disconnection(key, DisconnectOutcome::NotRevoked);
        Ok(Some(grant))
    }

    fn keep_disconnection(&self, key: &GrantKey, outcome: DisconnectOutcome) {
        self.audit().decision(|| {
            Facts::of_grant(AuditEvent::AccountDisconnected, key).outcome(&outcome.code())
        });
    }

    async fn let_go(&self, lease: Option<Lease>) {
        if let Some(lease) = lease {
            let provider = lease.key.provider.clone();
            if let Err(error) = self.store().release(lease).await {
                tracing::warn!(provider, %error, "a lease was not released; it will expire");
            }
        }
    }
}

/// Revokes the tokens of a grant that was removed.
async fn revoke(oauth: &UpstreamClient, grant: &Grant) -> DisconnectOutcome {
    let mut revoked = false;
    for (token, hint) in oauth.tokens_to_revoke(grant.refresh_token.as_ref(), &grant.access_token) {
        match oauth.revoke(token, hint).await {
            Ok(true) => revoked = true,
            Ok(false) => return DisconnectOutcome::Forgotten,
            Err(error) => {
                tracing::warn!(target: "toolgate::consent", provider = oauth.registration.id, hint = hint.as_str(), %error, "a token was not revoked");
            }
        }
    }
    if revoked { DisconnectOutcome::Revoked } else { DisconnectOutcome::NotRevoked }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use secrecy::ExposeSecret;

    use super::*;
    use crate::grant::{Clock, MemoryStore, Renew, SystemClock, held_provider::HeldProvider};

    #[tokio::test(start_paused = true)]
    async fn the_tokens_of_a_renewal_in_progress_are_the_ones_to_revoke() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let grants = Grants::new(Arc::new(MemoryStore::new()), Arc::clone(&clock));
        let key = GrantKey::new("alice", "forge");
        let long_ago = clock.now() - Duration::from_secs(3600);
        let expired = Grant::new("expired", long_ago)
            .expires_in(Duration::from_secs(60))
            .refresh_token("spent");
        grants.put(&key, expired).await.unwrap();

        let provider = Arc::new(HeldProvider::default());
        let renew: Arc<dyn Renew> = provider.clone();
        let (renewing, of) = (grants.clone(), key.clone());
        let renewal = tokio::spawn(async move { renewing.access(&of, &renew).await });
        provider.asked.notified().await;
        let (taking, of) = (grants.clone(), key.clone());
        let taken = tokio::spawn(async move { taking.hold(&of).await });
        // The other task finds the lease taken before the provider responds.
        tokio::task::yield_now().await;
        provider.answer.notify_one();

        let (taken, lease) = taken.await.unwrap().unwrap().expect("there was a grant");
        assert_eq!(taken.access_token.expose_secret(), "renewed");
        assert_eq!(taken.refresh_token.unwrap().expose_secret(), "rotated");
        renewal.await.unwrap().unwrap();
        grants.remove(&key).await.unwrap();
        grants.let_go(lease).await;
        assert!(grants.hold(&key).await.unwrap().is_none(), "once");
    }
}
