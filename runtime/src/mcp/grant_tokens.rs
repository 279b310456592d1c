//! Access tokens of a grant, which one call uses and renews.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::connection_errors::{elsewhere, unavailable};
use crate::{
    client::TokenSource,
    error::Error,
    grant::{Access, AccessError, GrantKey, Grants, Renew},
    trace::Span,
};

/// The access tokens of a grant, for one call.
pub(super) struct GrantTokens {
    grants: Grants,
    key: GrantKey,
    renew: Arc<dyn Renew>,
    provider: &'static str,
    /// The call that uses them.
    span: Span,
    access: Mutex<Access>,
    /// The renewed token had expired when it was used, which says nothing of the grant.
    was_late: AtomicBool,
}

#[async_trait]
impl TokenSource for GrantTokens {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.current().token)
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        let current = self.current();
        // Of two concurrent requests of a call that are rejected, the second uses the token that the
        // first renewed.
        if current.token.expose_secret() != rejected.expose_secret() {
            return Ok(current.token);
        }
        let access =
            match self.grants.rejected_in(&self.span, &self.key, &current, &self.renew).await {
                Ok(access) => access,
                Err(error) => {
                    if matches!(error, AccessError::Expired | AccessError::Rejected) {
                        self.mark_dead().await;
                    }
                    return Err(unavailable(self.provider, error));
                }
            };
        // The person may have connected another address in the meantime, and this call's requests still
        // go to the one before.
        if access.placeholders != current.placeholders {
            return Err(elsewhere(self.provider));
        }
        let token = access.token.clone();
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(token)
    }

    async fn reject(&self, rejected: &SecretString) {
        if self.current().token.expose_secret() == rejected.expose_secret() {
            self.mark_dead().await;
        }
    }

    fn rejection(&self) -> Option<Error> {
        let late = || unavailable(self.provider, AccessError::Busy { retry_after: None });
        self.was_late.load(Ordering::Relaxed).then(late)
    }
}

impl GrantTokens {
    /// The tokens of the grant `key`, of which `access` is the current one.
    pub(super) fn new(
        grants: Grants,
        (key, access): (GrantKey, Access),
        renew: Arc<dyn Renew>,
        provider: &'static str,
        span: Span,
    ) -> Self {
        let (access, was_late) = (Mutex::new(access), AtomicBool::new(false));
        Self { grants, key, renew, provider, span, access, was_late }
    }

    fn current(&self) -> Access {
        self.access.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Marks the grant as rejected by the provider, so that the next call asks the user.
    async fn mark_dead(&self) {
        match self.grants.reject(&self.key, &self.current()).await {
            Ok(is_dead) => self.was_late.store(!is_dead, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(target: "toolgate::grant", %error, "a grant cannot be marked as refused");
            }
        }
    }
}
