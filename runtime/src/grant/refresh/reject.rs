//! Grants whose token the API refuses, although the provider's token endpoint has not said so.

use super::{Grants, access::Access};
use crate::grant::{
    audit::entry::{AuditEvent, Facts, end_of},
    model::{DeadReason, GrantKey, GrantState, same_secret},
    store_error::{SaveError, StoreError},
};

impl Grants {
    /// Marks a grant as dead because the API refuses its renewed token too: the user has to connect
    /// again. A grant that has replaced it in the meantime stays, and so does one whose renewed token
    /// has expired before it was used, as after a pause of this process: then this returns `false`.
    pub(crate) async fn reject(
        &self,
        key: &GrantKey,
        refused: &Access,
    ) -> Result<bool, StoreError> {
        loop {
            let Some(row) = self.state.store.load(key).await? else { return Ok(true) };
            let is_same = same_secret(&row.value.access_token, &refused.token)
                && row.value.obtained_at == refused.obtained_at;
            if !is_same {
                return Ok(true);
            }
            let now = self.state.clock.now();
            if row.value.refresh_token.is_some()
                && row.value.expires_at.is_some_and(|end| end <= now)
            {
                return Ok(false);
            }
            let mut dead = row.value;
            dead.state = GrantState::Dead { reason: DeadReason::Refused };
            dead.refresh_token = None;
            dead.renewal = None;
            self.state.forget_history(key);
            match self.state.store.save(key, &dead, row.revision).await {
                Ok(_) => {
                    let ended = || Facts::of_grant(AuditEvent::GrantEnded, key);
                    let audit = &self.state.audit;
                    audit.decision(|| ended().reason(&end_of(&DeadReason::Refused)));
                    return Ok(true);
                }
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::Arc,
        time::{Duration, SystemTime},
    };

    use async_trait::async_trait;
    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;
    use crate::grant::{
        AccessError, Grant, ManualClock, MemoryStore, Renew, TokenError, TokenResponse,
    };

    struct NeverRenews;

    #[async_trait]
    impl Renew for NeverRenews {
        async fn renew(
            &self,
            _token: &SecretString,
            _scopes: &BTreeSet<String>,
        ) -> Result<TokenResponse, TokenError> {
            panic!("there is no refresh token")
        }
    }

    #[tokio::test]
    async fn a_rejected_grant_is_dead_and_its_successor_is_not() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let grants = Grants::new(Arc::new(MemoryStore::new()), clock);
        let key = GrantKey::new("alice", "hub");
        let renew: Arc<dyn Renew> = Arc::new(NeverRenews);
        let put = async |token: &str| {
            grants.put(&key, Grant::new(token, SystemTime::UNIX_EPOCH)).await.unwrap();
            grants.access(&key, &renew).await.unwrap()
        };
        let old = put("old").await;
        grants.reject(&key, &old).await.unwrap();
        let refused = AccessError::Dead { reason: DeadReason::Refused };
        let error = grants.access(&key, &renew).await.unwrap_err();
        assert_eq!(error.to_string(), refused.to_string());

        let new = put("new").await;
        grants.reject(&key, &old).await.unwrap();
        let access = grants.access(&key, &renew).await.unwrap();
        assert_eq!(access.token.expose_secret(), new.token.expose_secret());

        grants.remove(&key).await.unwrap();
        grants.reject(&key, &new).await.unwrap();
        assert!(matches!(grants.access(&key, &renew).await, Err(AccessError::Missing)));
    }

    #[tokio::test]
    async fn a_token_that_expired_before_it_was_used_is_no_reason_to_end_a_grant() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let grants = Grants::new(Arc::new(MemoryStore::new()), clock.clone());
        let key = GrantKey::new("alice", "hub");
        let renew: Arc<dyn Renew> = Arc::new(NeverRenews);
        let grant = Grant::new("renewed", SystemTime::UNIX_EPOCH).refresh_token("next");
        grants.put(&key, grant.expires_in(Duration::from_secs(3600))).await.unwrap();
        let access = grants.access(&key, &renew).await.unwrap();
        clock.advance(Duration::from_secs(3600));
        assert!(!grants.reject(&key, &access).await.unwrap());
        let row = grants.store().load(&key).await.unwrap().unwrap();
        assert_eq!(row.value.state, GrantState::Live);
    }
}
