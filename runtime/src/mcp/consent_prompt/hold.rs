//! Waiting of a repeated call for the user, who may be at the provider now.

use std::time::Duration;

use super::{ConsentOutcome, ConsentPrompt, form::PromptForm, not_connected};
use crate::{
    consent::Progress,
    error::Error,
    mcp::{connection_errors::store_failed, connections::MissingGrant},
};

/// How long a retried call waits for the browser: less than the minute after which clients time out.
pub(super) const HOLD_TIMEOUT: Duration = Duration::from_secs(50);

impl ConsentPrompt<'_> {
    /// Waits for the user, if the missing grants were asked for before and the user may be granting
    /// them now. `None`: there is nothing to wait for.
    pub(super) async fn hold(
        &self,
        all_missing: &[MissingGrant],
    ) -> Result<Option<ConsentOutcome>, Error> {
        let form = PromptForm::of(&self.request.context.get());
        let consents = &self.services.consents;
        let mut outcome = ConsentOutcome::default();
        let mut refused = None;
        let mut held = false;
        for missing in all_missing {
            let need = &missing.need;
            // A call that got its link as text is not held, so its consent may have ended since.
            let owner = self.owner(*need);
            let at = (need.provider, &missing.account);
            let ended = consents.ended(owner, at, need.scopes()).await;
            match ended.map_err(store_failed)? {
                Some(Progress::Granted { withheld }) => {
                    held = true;
                    outcome.withheld.insert(need.provider.to_owned(), withheld);
                    continue;
                }
                Some(Progress::Refused { reason, by_us }) => {
                    refused = Some(not_connected(need.provider, &reason, by_us));
                    continue;
                }
                _ => {}
            }
            let link = self.begin(missing).await?;
            let wait = match consents.progress(&link.id).await.map_err(store_failed)? {
                Some(Progress::Waiting) => link.again && form == PromptForm::UrlElicitationError,
                Some(_) => link.again,
                None => return Ok(None),
            };
            if wait {
                held = true;
                // After a refusal the user is asked again, with a new link.
                let _ = self.wait_for(need.provider, &link.id, &mut outcome).await;
            }
        }
        match refused {
            Some(error) => Err(error),
            None => Ok(held.then_some(outcome)),
        }
    }

    /// Waits for one consent, and adds to `outcome` what it withheld.
    pub(super) async fn wait_for(
        &self,
        provider: &str,
        consent: &str,
        outcome: &mut ConsentOutcome,
    ) -> Result<(), Error> {
        let consents = &self.services.consents;
        match consents.wait(consent, HOLD_TIMEOUT).await.map_err(store_failed)? {
            Some(Progress::Granted { withheld }) => {
                consents.forget(consent).await;
                if !withheld.is_empty() {
                    outcome.withheld.insert(provider.to_owned(), withheld);
                }
                Ok(())
            }
            Some(Progress::Refused { reason, by_us }) => {
                consents.forget(consent).await;
                Err(not_connected(provider, &reason, by_us))
            }
            Some(Progress::Waiting | Progress::Opened) | None => Ok(()),
        }
    }
}
