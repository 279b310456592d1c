//! The redirect to the provider, after the person agreed.

use std::collections::BTreeSet;

use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::request::AuthorizationRequest;
use crate::{
    broker::state::Broker,
    browser::{
        authorization_flow::NewAuthorization, page, pending_authorization::ExpectedIssuer,
        traced::FlowTrace,
    },
    grant::{GrantKey, GrantState, StoreError},
    oauth::CsrfToken,
    scope,
    support::crypto,
    trace::Flow,
};

/// The prefix of the broker's `state`, which tells its authorizations from those of consents.
pub(crate) const STATE_PREFIX: &str = "broker.";

/// What the broker needs when the browser is back.
#[derive(Serialize, Deserialize)]
pub(crate) struct BrokerContext {
    pub(crate) request: AuthorizationRequest,
    /// The person on whose remembered consent it relies; `None`: the consent was given now.
    pub(crate) relies_on: Option<String>,
    /// Whether this is the second authorization, which asks for what was granted before as well.
    pub(crate) again: bool,
}

impl Broker {
    /// Redirects the browser to the provider. `signed_in`: the person who signed in last.
    ///
    /// `relies`: the consent is one that this person gave before.
    pub(crate) async fn redirect_to_provider(
        &self,
        request: AuthorizationRequest,
        browser: &str,
        signed_in: Option<String>,
        relies: bool,
    ) -> Result<Response, StoreError> {
        let before = match &signed_in {
            Some(subject) => self.granted(subject).await?,
            None => BTreeSet::new(),
        };
        let relies_on = signed_in.filter(|_| relies);
        let context = BrokerContext { request, relies_on, again: false };
        self.start_authorization(browser, context, before).await
    }

    /// Redirects the browser to the provider for the scopes that are requested and those that were
    /// granted `before`: the new grant replaces the old one, and other clients need those.
    pub(crate) async fn start_authorization(
        &self,
        browser: &str,
        context: BrokerContext,
        before: BTreeSet<String>,
    ) -> Result<Response, StoreError> {
        let oauth = &self.0.oauth;
        let requested: BTreeSet<String> = context.request.scopes.iter().cloned().collect();
        let mut scopes = context.request.scopes.clone();
        let extra = self.0.sign_in_scopes.iter().filter(|extra| !requested.contains(*extra));
        scopes.extend(extra.cloned());
        scopes.extend(
            before
                .into_iter()
                .filter(|old| !scope::covers(oauth.registration.catalogue, &requested, old))
                .filter(|old| !self.0.sign_in_scopes.contains(old)),
        );
        let authorization = NewAuthorization {
            trace: self.flow_trace(&context),
            state: &CsrfToken::new(format!("{STATE_PREFIX}{}", crypto::random_token())),
            browser,
            scopes,
            redirect_uri: self.0.callback.clone(),
            issuer: ExpectedIssuer::of_provider(&oauth.registration),
            context,
        };
        let url = self.0.flow.start(oauth, authorization).await?;
        Ok(page::redirect(url.as_str()))
    }

    pub(super) fn flow_trace(&self, context: &BrokerContext) -> FlowTrace {
        let span = self.authorization_span(&context.request.challenge);
        FlowTrace { flow: Flow::Broker, span }
    }

    /// The scopes that the provider has granted for `subject` and that can be requested again: a
    /// provider may grant scopes that its catalogue does not have.
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
