//! Disconnection of an account: its grant is removed, and revoked at the provider (RFC 7009).

use tokio::time::{Instant, sleep};

use super::{
    model::{Grant, GrantKey},
    refresh::Grants,
    store::HolderId,
    store_error::StoreError,
};
use crate::{oauth::UpstreamClient, support::background as task};

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

impl Grants {
    /// Removes the grant of `subject`, and revokes its tokens at the provider.
    ///
    /// It runs in a task of its own: once the grant is removed, its tokens are known nowhere else, so
    /// a caller that is cancelled must not stop it.
    pub(crate) async fn disconnect(
        &self,
        oauth: &UpstreamClient,
        subject: &str,
    ) -> Result<DisconnectOutcome, StoreError> {
        let key = GrantKey::new(subject, oauth.registration.id);
        let (grants, oauth) = (self.clone(), oauth.clone());
        let disconnected = task::spawn(async move {
            Ok(match grants.take(&key).await? {
                // Another provider with the same ID gave it, which is not the one to ask.
                Some(grant) if !grant.is_from(Some(oauth.origin())) => {
                    DisconnectOutcome::NotRevoked
                }
                Some(grant) => revoke(&oauth, &grant).await,
                None => DisconnectOutcome::NothingGranted,
            })
        });
        disconnected
            .await
            .unwrap_or_else(|error| Err(StoreError::unavailable("disconnecting", error)))
    }

    /// Removes the grant and returns it. Waits for a renewal in progress, for as long as one may take,
    /// because the tokens that it obtains are the ones to revoke.
    pub(crate) async fn take(&self, key: &GrantKey) -> Result<Option<Grant>, StoreError> {
        let (store, policy) = (self.store(), self.policy());
        // A new holder, so that it waits for the renewals of this process too.
        let holder = HolderId::random();
        let deadline = Instant::now() + policy.timeout;
        let lease = loop {
            if store.load(key).await?.is_none() {
                return Ok(None);
            }
            let lease = store.lease(key, holder, policy.lease).await?;
            if lease.is_some() || Instant::now() >= deadline {
                break lease;
            }
            sleep(policy.poll).await;
        };
        let taken = async {
            let found = store.load(key).await?;
            self.remove(key).await?;
            Ok(found.map(|stored| stored.value))
        };
        let taken = taken.await;
        if let Some(lease) = lease
            && let Err(error) = store.release(lease).await
        {
            tracing::warn!(provider = key.provider, %error, "a lease was not released; it will expire");
        }
        taken
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
    use std::{collections::BTreeSet, sync::Arc, time::Duration};

    use async_trait::async_trait;
    use secrecy::{ExposeSecret, SecretString};
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        grant::{Clock, MemoryStore, Renew, SystemClock},
        oauth::{TokenError, TokenResponse},
    };

    /// A provider that holds a renewal back until it is notified.
    #[derive(Default)]
    struct HeldProvider {
        asked: Notify,
        answer: Notify,
    }

    #[async_trait]
    impl Renew for HeldProvider {
        async fn renew(
            &self,
            _: &SecretString,
            _: &BTreeSet<String>,
        ) -> Result<TokenResponse, TokenError> {
            self.asked.notify_one();
            self.answer.notified().await;
            Ok(TokenResponse::new("renewed").refresh_token("rotated"))
        }
    }

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
        let taken = tokio::spawn(async move { taking.take(&of).await });
        // The other task finds the lease taken before the provider responds.
        tokio::task::yield_now().await;
        provider.answer.notify_one();

        let taken = taken.await.unwrap().unwrap().expect("there was a grant");
        assert_eq!(taken.access_token.expose_secret(), "renewed");
        assert_eq!(taken.refresh_token.unwrap().expose_secret(), "rotated");
        renewal.await.unwrap().unwrap();
        assert!(grants.store().load(&key).await.unwrap().is_none());
        assert!(grants.take(&key).await.unwrap().is_none(), "once");
    }
}
