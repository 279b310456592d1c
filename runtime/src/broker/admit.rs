//! The decision whether a person may sign in, at a sign-in and at a refresh.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use super::{admission::Person, state::Broker};
use crate::{
    error::Error,
    grant::{GrantKey, Renew},
    oauth::Identity,
};

/// How long a decision may take.
const DECISION_TIMEOUT: Duration = Duration::from_secs(20);

impl Broker {
    /// Whether the person may sign in. `token` is of the person's account at the provider.
    pub(crate) async fn admits(
        &self,
        identity: Identity,
        token: &SecretString,
    ) -> Result<bool, Error> {
        let Some(admit) = &self.0.admit else { return Ok(true) };
        let person = Person::new(identity, &self.0.oauth, token)?;
        let decided = tokio::time::timeout(DECISION_TIMEOUT, admit(person)).await;
        decided.unwrap_or_else(|_| Err(Error::new("the decision took too long")))
    }

    /// Whether a person who has signed in may still do so, by the account as it is now.
    pub(crate) async fn still_admits(&self, subject: &str) -> Result<bool, Error> {
        let key = GrantKey::new(subject, self.0.oauth.registration.id);
        let renew: Arc<dyn Renew> = Arc::new(self.0.oauth.clone());
        let access = self.0.grants.access(&key, &renew).await;
        let access = access.map_err(|error| Error::new(error.to_string()))?;
        let identity = self.0.user_endpoint.identify(&access.token).await.map_err(Error::new)?;
        if identity.subject != subject {
            return Ok(false);
        }
        self.admits(identity, &access.token).await
    }
}
