//! A grant whose token the API takes no longer, although the provider has not said so.

use crate::grant::{
    Access, DeadReason, GrantKey, GrantState, Grants, SaveError, StoreError, same_secret,
};

impl Grants {
    /// The API refused this token, and no other is to be had: the person has to connect again, and
    /// is told why. A grant that has taken its place meanwhile stays.
    pub(crate) async fn refuse(&self, key: &GrantKey, refused: &Access) -> Result<(), StoreError> {
        loop {
            let Some(row) = self.inner.store.load(key).await? else { return Ok(()) };
            let is_it = same_secret(&row.value.access_token, &refused.token)
                && row.value.obtained_at == refused.obtained_at;
            if !is_it {
                return Ok(());
            }
            let mut dead = row.value;
            dead.state = GrantState::Dead { reason: DeadReason::Refused };
            dead.refresh_token = None;
            dead.renewal = None;
            self.inner.forget(key);
            match self.inner.store.save(key, &dead, row.revision).await {
                Ok(_) => return Ok(()),
                // Whoever wrote has got ahead, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

    use async_trait::async_trait;
    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;
    use crate::grant::{
        AccessError, Grant, ManualClock, MemoryStore, Renew, TokenError, TokenResponse,
    };

    struct Nothing;

    #[async_trait]
    impl Renew for Nothing {
        async fn renew(
            &self,
            _token: &SecretString,
            _scopes: &BTreeSet<String>,
        ) -> Result<TokenResponse, TokenError> {
            panic!("there is nothing to renew it with")
        }
    }

    #[tokio::test]
    async fn a_grant_that_is_refused_is_dead_and_its_successor_is_not() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let grants = Grants::new(Arc::new(MemoryStore::new()), clock);
        let key = GrantKey::new("alice", "hub");
        let renew: Arc<dyn Renew> = Arc::new(Nothing);
        let put = async |token: &str| {
            grants.put(&key, Grant::new(token, SystemTime::UNIX_EPOCH)).await.unwrap();
            grants.access(&key, &renew).await.unwrap()
        };
        let old = put("old").await;
        grants.refuse(&key, &old).await.unwrap();
        let refused = AccessError::Dead { reason: DeadReason::Refused };
        let error = grants.access(&key, &renew).await.unwrap_err();
        assert_eq!(error.to_string(), refused.to_string());

        let new = put("new").await;
        grants.refuse(&key, &old).await.unwrap();
        let access = grants.access(&key, &renew).await.unwrap();
        assert_eq!(access.token.expose_secret(), new.token.expose_secret());

        grants.remove(&key).await.unwrap();
        grants.refuse(&key, &new).await.unwrap();
        assert!(matches!(grants.access(&key, &renew).await, Err(AccessError::Missing)));
    }
}
