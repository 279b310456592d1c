//! To the provider, after the person agreed: with exactly what was asked for.

use std::{collections::BTreeSet, time::Duration};

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::broker::{Broker, page, store::typed_store::DEPARTURES};
use crate::{
    grant::{GrantKey, GrantState, StoreError},
    oauth::{self, CsrfToken, PkceCodeVerifier, RedirectUrl},
    scope,
};

/// How long the person may take there.
const LIFE: Duration = Duration::from_secs(600);

/// How the broker's `state` begins, so that it is told from those of other consents.
pub(crate) const STATE: &str = "broker.";

/// What is kept while the browser is at the provider.
#[derive(Serialize, Deserialize)]
pub(crate) struct Departure {
    pub(crate) request: Request,
    /// What the provider is asked for.
    pub(crate) asked: Vec<String>,
    pub(crate) verifier: PkceCodeVerifier,
    pub(crate) redirect_uri: RedirectUrl,
    /// The person on whose remembered consent it relies; `None`: somebody has just agreed.
    pub(crate) relies_on: Option<String>,
    /// It is the second time, for what the person had granted before.
    pub(crate) again: bool,
}

impl Broker {
    /// Sends the browser to the provider. `signed_in`: who it was last time.
    ///
    /// `relies`: nobody was asked now, because that person had agreed before.
    pub(crate) async fn depart(
        &self,
        request: Request,
        signed_in: Option<String>,
        relies: bool,
    ) -> Result<Response, StoreError> {
        let before = match &signed_in {
            Some(subject) => self.granted(subject).await?,
            None => BTreeSet::new(),
        };
        let relies_on = signed_in.filter(|_| relies);
        self.leave(request, before, relies_on, false).await
    }

    /// Sends the browser to the provider for what was asked and what was granted `before`: the new
    /// grant takes the place of the old one, and other clients go on needing that.
    pub(crate) async fn leave(
        &self,
        request: Request,
        before: BTreeSet<String>,
        relies_on: Option<String>,
        again: bool,
    ) -> Result<Response, StoreError> {
        let oauth = &self.0.oauth;
        let asked_now: BTreeSet<String> = request.scopes.iter().cloned().collect();
        let mut asked = request.scopes.clone();
        asked.extend(
            before
                .into_iter()
                .filter(|old| !scope::covers(oauth.registration.catalogue, &asked_now, old)),
        );
        let (challenge, verifier) = oauth::new_pkce();
        let state = CsrfToken::new(format!("{STATE}{}", oauth::new_state().secret()));
        let redirect_uri = self.0.callback.clone();
        let url = oauth.authorization_url(&asked, &state, challenge, &redirect_uri);
        let departure = Departure { request, asked, verifier, redirect_uri, relies_on, again };
        self.0.shelf.put(DEPARTURES, state.secret(), &departure, self.now() + LIFE).await?;
        Ok(page::redirect(url.as_str()))
    }

    /// What the provider has granted for `subject`, as far as it is good and can be asked for again:
    /// a provider may grant more than what it lets one ask for.
    pub(crate) async fn granted(&self, subject: &str) -> Result<BTreeSet<String>, StoreError> {
        let key = GrantKey::new(subject, self.0.oauth.registration.id);
        let found = self.0.grants.store().load(&key).await?;
        let live = found.filter(|row| row.value.state == GrantState::Live);
        let mut scopes = live.map(|row| row.value.scopes).unwrap_or_default();
        let catalogue = self.0.oauth.registration.catalogue;
        scopes.retain(|scope| catalogue.iter().any(|known| known.name == scope));
        Ok(scopes)
    }
}
