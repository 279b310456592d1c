//! The provider's part of a step-up: it is asked for the scopes that its grant lacks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::page;
use crate::support::escape::escape;
use crate::{
    broker::{
        state::Broker,
        store::{step_up_record::Decision, step_ups::FoundLink},
    },
    browser::{
        authorization_flow::{
            AuthorizationFailure, AuthorizationFlow, AuthorizationHandler, CallbackError,
            NewAuthorization, Returned,
        },
        page::redirect,
        pending_authorization::ExpectedIssuer,
        traced::FlowTrace,
    },
    grant::{GrantKey, NewGrant, StoreError},
    oauth::{CsrfToken, TokenResponse, UpstreamClient},
    scope,
    support::crypto,
    trace::Flow,
};

/// The prefix of a `state`. No state of a sign-in begins so, because its random part has no dot.
const STATE_PREFIX: &str = "broker.step-up.";

/// Whether this `state` is one of a step-up.
pub(crate) fn is_step_up(state: &str) -> bool {
    state.starts_with(STATE_PREFIX)
}

/// What a step-up needs when the browser is back.
#[derive(Serialize, Deserialize)]
pub(crate) struct StepUpContext {
    link: String,
}

/// The broker, as the handler of what comes back from a step-up.
#[derive(Clone)]
pub(crate) struct StepUpFlow(pub(crate) Broker);

impl Broker {
    /// Redirects the browser to the provider for the scopes of the link and those of its grant, which
    /// `held` has: the new grant replaces the old one.
    pub(crate) async fn redirect_to_provider_for(
        &self,
        found: &FoundLink,
        browser: &str,
        held: BTreeSet<String>,
    ) -> Result<Response, StoreError> {
        let oauth = &self.0.oauth;
        let requested: BTreeSet<String> = found.link.scopes.iter().cloned().collect();
        let mut scopes = found.link.scopes.clone();
        let covered = |old: &String| scope::covers(oauth.registration.catalogue, &requested, old);
        scopes.extend(held.into_iter().filter(|old| !covered(old)));
        let context = StepUpContext { link: format!("{}.{}", found.sign_in_id, found.link.secret) };
        let authorization = NewAuthorization {
            trace: FlowTrace { flow: Flow::StepUp, span: self.span_of(&context.link) },
            state: &CsrfToken::new(format!("{STATE_PREFIX}{}", crypto::random_token())),
            browser,
            scopes,
            redirect_uri: self.0.callback.clone(),
            issuer: ExpectedIssuer::of_provider(&oauth.registration),
            context,
        };
        let url = self.0.flow.start(oauth, authorization).await?;
        Ok(redirect(url.as_str()))
    }
}

#[async_trait]
impl AuthorizationHandler for StepUpFlow {
    type Context = StepUpContext;

    fn flow(&self) -> &AuthorizationFlow {
        &self.0.0.flow
    }

    fn browser_secret(&self, headers: &HeaderMap, _: &str) -> Option<String> {
        self.0.browser_cookie(headers).map(str::to_owned)
    }

    fn trace(&self, context: Option<&StepUpContext>) -> FlowTrace {
        let span = match context {
            Some(context) => self.0.span_of(&context.link),
            None => self.0.new_span(),
        };
        FlowTrace { flow: Flow::StepUp, span }
    }

    fn client(&self, _: &StepUpContext) -> Result<UpstreamClient, String> {
        Ok(self.0.0.oauth.clone())
    }

    async fn complete(
        &self,
        returned: Returned<StepUpContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Response {
        let completed = self.complete_step_up(returned, tokens).await;
        completed.unwrap_or_else(|error| self.0.failed(&error))
    }

    fn reject(&self, error: CallbackError) -> Response {
        self.0.reject(error)
    }
}

impl StepUpFlow {
    async fn complete_step_up(
        &self,
        returned: Returned<StepUpContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Result<Response, StoreError> {
        let broker = &self.0;
        // The sign-in may have ended while the person was away: then nothing is kept.
        let Some(found) = broker.find_link(&returned.context.link).await? else {
            return Ok(broker.too_late());
        };
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(failure) => {
                let refused = matches!(
                    &failure,
                    AuthorizationFailure::Refused { error, .. } if error == "access_denied"
                );
                let error = broker.describe_failure(failure);
                let decision = if refused {
                    Decision::Refused { by_provider: false }
                } else {
                    Decision::Failed
                };
                return self.end(&found, &decision, &error.description).await;
            }
        };
        let subject = match broker.identify(&tokens.access_token).await {
            Ok(subject) => subject,
            Err(why) => {
                tracing::warn!(target: "toolgate::broker", why = %escape(&why), "the provider did not say whose account it is");
                let why = "the provider did not say whose account it is";
                return self.end(&found, &Decision::Failed, why).await;
            }
        };
        if subject != found.sign_in.subject {
            let why = "you are signed in there with the account of another person";
            return self.end(&found, &Decision::Failed, why).await;
        }
        let granted: BTreeSet<String> =
            tokens.scopes.clone().unwrap_or_else(|| returned.scopes.iter().cloned().collect());
        let lacking = broker.lacking(&granted, &found.link.scopes);
        let given: Vec<String> = found
            .link
            .scopes
            .iter()
            .filter(|scope| !lacking.contains(&scope.as_str()))
            .cloned()
            .collect();
        let key = GrantKey::new(&subject, broker.0.oauth.registration.id);
        let new = NewGrant {
            tokens,
            scopes: granted,
            origin: broker.0.oauth.origin(),
            person: BTreeMap::new(),
            client: None,
            // The account is the subject.
            is_same_account: true,
        };
        broker.0.grants.adopt(&key, new).await?;
        if given.is_empty() {
            let decision = Decision::Refused { by_provider: true };
            return self.end(&found, &decision, "the provider did not grant it").await;
        }
        let added = Decision::Added(given.clone());
        let settled = broker.settle_link(&found.sign_in_id, &found.link.secret, &added).await?;
        Ok(if settled { broker.step_up_done(&found, &given) } else { broker.too_late() })
    }

    async fn end(
        &self,
        found: &FoundLink,
        decision: &Decision,
        why: &str,
    ) -> Result<Response, StoreError> {
        self.0.settle_link(&found.sign_in_id, &found.link.secret, decision).await?;
        Ok(page::refused(&self.0.0, &format!("Nothing was added: {why}.")))
    }
}
