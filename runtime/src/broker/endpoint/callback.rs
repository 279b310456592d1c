//! The return from the provider: who signed in, what was granted, and a code for the client.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use async_trait::async_trait;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri, header};
use url::form_urlencoded;

use super::{
    authorization_redirect::{BrokerContext, STATE_PREFIX},
    request::{AuthorizationError, AuthorizationRequest},
};
use crate::support::{crash_point::crash_point, escape::escape};
use crate::{
    broker::{
        client::ClientTrust,
        page::stop,
        state::Broker,
        step_up::provider::{StepUpFlow, is_step_up},
        traced,
    },
    browser::{
        authorization_flow::{
            AuthorizationFailure, AuthorizationFlow, AuthorizationHandler, CallbackError, Returned,
            callback,
        },
        page,
        traced::FlowTrace,
    },
    grant::{GrantKey, GrantState, NewGrant, StoreError},
    oauth::{TokenError, TokenResponse, UpstreamClient},
    scope,
    support::background as task,
    trace::Flow,
};

/// Why a sign-in does not lead to a code.
enum SignInError {
    /// The client gets this error.
    Authorization(AuthorizationError),
    Store(StoreError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AuthorizationError> for SignInError {
    fn from(error: AuthorizationError) -> Self {
        Self::Authorization(error)
    }
}

/// The `state` of a callback.
fn state_of(uri: &Uri) -> Option<Cow<'_, str>> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.find(|(name, _)| name == "state").map(|(_, value)| value)
}

impl Broker {
    /// Returns whether the query of a request to `/callback/{provider}` answers a sign-in of the
    /// broker.
    pub fn is_ours(query: &str) -> bool {
        form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "state" && value.starts_with(STATE_PREFIX))
    }

    /// Handles the provider's answer (RFC 6749 §4.1.2): a request to `/callback/{provider}` with
    /// this URI and these headers. Returns `None` if it is not the broker's; then it belongs to a
    /// consent that a tool asked for.
    ///
    /// The answer is handled in a task of its own: dropping the future does not stop it.
    pub async fn callback(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        if !Self::is_ours(uri.query().unwrap_or_default()) {
            return None;
        }
        if state_of(uri).is_some_and(|state| is_step_up(&state)) {
            return Some(callback(StepUpFlow(self.clone()), uri, headers).await);
        }
        Some(callback(self.clone(), uri, headers).await)
    }

    async fn complete_sign_in(
        &self,
        returned: Returned<BrokerContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Result<Response, SignInError> {
        let Returned { context, scopes, browser } = returned;
        let tokens = tokens.map_err(|failure| self.describe_failure(failure))?;
        let granted: BTreeSet<String> =
            tokens.scopes.clone().unwrap_or_else(|| scopes.into_iter().collect());
        let identified = self.0.user_endpoint.identify(&tokens.access_token).await;
        let identity = identified.map_err(|why| {
            tracing::warn!(target: "toolgate::broker", why = %escape(&why), "the provider did not say who signed in");
            AuthorizationError::new("server_error", "the provider did not say who signed in")
        })?;
        let subject = identity.subject.clone();
        let BrokerContext { request, relies_on, again } = context;
        if relies_on.as_ref().is_some_and(|expected| *expected != subject) {
            // The remembered consent is another person's.
            let notice = "You are signed in there with another account than last time.";
            return Ok(self.ask(request, &browser, Some(&subject), Some(notice)).await?);
        }
        let catalogue = self.0.oauth.registration.catalogue;
        let given: Vec<String> = request
            .scopes
            .iter()
            .filter(|scope| scope::covers(catalogue, &granted, scope))
            .cloned()
            .collect();
        if given.is_empty() && !request.scopes.is_empty() {
            self.discard(&subject, &tokens).await?;
            let description = "nothing that was asked for was granted";
            return Err(AuthorizationError::new("access_denied", description).into());
        }
        let before = self.granted(&subject).await?;
        let old: Vec<&str> = before.iter().map(String::as_str).collect();
        if !again && !scope::missing(catalogue, &granted, &old).is_empty() {
            // Only now it is known who signed in, and that other clients have more scopes of this
            // person.
            let context = BrokerContext { request, relies_on: Some(subject), again: true };
            return Ok(self.start_authorization(&browser, context, before).await?);
        }
        match self.admits(identity, &tokens.access_token).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!(target: "toolgate::broker", client = %escape(&request.client_id), subject = %escape(&subject), "a person may not sign in");
                let span = self.authorization_span(&request.challenge);
                traced::refused(&span, &request.client_id, "access_denied");
                self.discard(&subject, &tokens).await?;
                return Ok(self.not_admitted(&request));
            }
            Err(error) => {
                tracing::warn!(target: "toolgate::broker", subject = %escape(&subject), error = ?error.message(), cause = ?error.report(), "it cannot be decided whether a person may sign in");
                self.discard(&subject, &tokens).await?;
                let description = "it cannot be decided now whether this person may sign in";
                return Err(AuthorizationError::new("temporarily_unavailable", description).into());
            }
        }
        let key = GrantKey::new(&subject, self.0.oauth.registration.id);
        let new = NewGrant {
            tokens,
            scopes: granted,
            origin: self.0.oauth.origin(),
            person: BTreeMap::new(),
            client: None,
            // The account is the subject.
            is_same_account: true,
        };
        self.0.grants.adopt(&key, new).await?;
        let at = self.beginning(&subject).await?;
        self.keep_client(&subject, &request, at).await;
        let session = self.begin_session(&subject, &browser, at).await;
        let withheld = request.scopes.iter().filter(|scope| !given.contains(scope)).cloned();
        let withheld = self.withheld_again(&subject, withheld.collect()).await?;
        let code = self.issue_code(&subject, &request, given, withheld, at).await?;
        crash_point("consent.code");
        tracing::info!(target: "toolgate::broker", client = %escape(&request.client_id), subject = %escape(&subject), "a person signed in");
        let state = request.state.as_deref();
        let url = self.answer_url(&request.redirect_uri, state, &[("code", &code)]);
        let mut response = page::redirect(&url);
        match session {
            Ok(session) => {
                let cookie = self.set_session_cookie(&session);
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            // The person is signed in, and will be asked again the next time.
            Err(error) => {
                tracing::error!(target: "toolgate::broker", %error, "a session was not stored");
            }
        }
        Ok(response)
    }

    /// The page for a person who may not sign in, with a link that tells the client.
    fn not_admitted(&self, request: &AuthorizationRequest) -> Response {
        let denied = [
            ("error", "access_denied"),
            ("error_description", "this person may not sign in at this server"),
        ];
        let state = request.state.as_deref();
        let back = self.answer_url(&request.redirect_uri, state, &denied);
        let client = request.client_name.as_deref().unwrap_or("the application");
        let title = "You may not sign in here";
        let text = format!(
            "{} has told this server who you are, and its operator has not let you in. If you have another account there, sign out there first, and begin again. Otherwise ask the operator of {}.",
            self.0.oauth.registration.name, self.0.name
        );
        stop(&self.0.root, StatusCode::FORBIDDEN, title, &text, Some((client, &back)))
    }

    /// Remembers what a person has allowed a client, and who the client is. A sign-in goes on without
    /// that.
    async fn keep_client(&self, subject: &str, request: &AuthorizationRequest, at: u64) {
        let kept = async {
            self.remember(subject, request, at).await?;
            if matches!(request.trust, ClientTrust::Document { .. }) {
                self.0.documents.keep(&request.client_id).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = kept.await {
            tracing::error!(target: "toolgate::broker", %error, "a consent was not stored");
        }
    }

    /// Revokes tokens that led to no sign-in, in a task of its own. Those of a person whose account is
    /// connected stay: providers revoke with one token all of the same account (RFC 7009 §2.1).
    async fn discard(&self, subject: &str, tokens: &TokenResponse) -> Result<(), StoreError> {
        let key = GrantKey::new(subject, self.0.oauth.registration.id);
        let found = self.0.grants.store().load(&key).await?;
        if found.is_some_and(|row| row.value.state == GrantState::Live) {
            return Ok(());
        }
        let (broker, tokens) = (self.clone(), tokens.clone());
        // Not awaited: the person need not wait for it.
        drop(task::spawn(async move {
            let oauth = &broker.0.oauth;
            let (refresh_token, access_token) =
                (tokens.refresh_token.as_ref(), &tokens.access_token);
            for (token, hint) in oauth.tokens_to_revoke(refresh_token, access_token) {
                if let Err(error) = oauth.revoke(token, hint).await {
                    tracing::warn!(target: "toolgate::broker", hint = hint.as_str(), %error, "a token that is not used was not revoked");
                }
            }
        }));
        Ok(())
    }

    /// The error that the client gets for an authorization that failed at the provider.
    pub(crate) fn describe_failure(&self, failure: AuthorizationFailure) -> AuthorizationError {
        let server_error = |description: &str| AuthorizationError::new("server_error", description);
        match failure {
            AuthorizationFailure::Mismatch(why) => {
                tracing::warn!(target: "toolgate::broker", provider = self.0.oauth.registration.id, why, "an answer was refused");
                server_error(&format!("the provider's answer was refused: {why}"))
            }
            AuthorizationFailure::Refused { error, .. } => match error.as_str() {
                "access_denied" => {
                    AuthorizationError::new("access_denied", "the person refused at the provider")
                }
                "temporarily_unavailable" => {
                    AuthorizationError::new("temporarily_unavailable", "the provider is busy")
                }
                error => {
                    let error: String =
                        error.chars().filter(char::is_ascii_graphic).take(80).collect();
                    server_error(&format!("the provider answered {error}"))
                }
            },
            AuthorizationFailure::NoCode => server_error("the provider answered without a code"),
            AuthorizationFailure::NoClient(why) => server_error(&why),
            AuthorizationFailure::Exchange(error) => {
                self.0.oauth.log_failed_exchange(&error);
                match error {
                    TokenError::Unreachable { .. } | TokenError::Busy { .. } => {
                        let description = "the provider did not answer in time";
                        AuthorizationError::new("temporarily_unavailable", description)
                    }
                    TokenError::Refused { .. } => server_error(
                        "the provider refuses this server's own client, which its operator has to mend; signing in again will not help",
                    ),
                    TokenError::InvalidGrant { .. } => {
                        server_error("the provider did not accept its own code")
                    }
                }
            }
        }
    }
}

#[async_trait]
impl AuthorizationHandler for Broker {
    type Context = BrokerContext;

    fn flow(&self) -> &AuthorizationFlow {
        &self.0.flow
    }

    fn browser_secret(&self, headers: &HeaderMap, _: &str) -> Option<String> {
        self.browser_cookie(headers).map(str::to_owned)
    }

    fn trace(&self, context: Option<&BrokerContext>) -> FlowTrace {
        match context {
            Some(context) => self.flow_trace(context),
            None => FlowTrace { flow: Flow::Broker, span: self.new_span() },
        }
    }

    fn client(&self, _: &BrokerContext) -> Result<UpstreamClient, String> {
        Ok(self.0.oauth.clone())
    }

    async fn complete(
        &self,
        returned: Returned<BrokerContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Response {
        let request = returned.context.request.clone();
        if request.issuer != self.0.issuer {
            return self.too_late();
        }
        let error = match self.complete_sign_in(returned, tokens).await {
            Ok(response) => return response,
            Err(SignInError::Authorization(error)) => error,
            Err(SignInError::Store(error)) => {
                tracing::error!(target: "toolgate::broker", %error, "a sign-in cannot be stored");
                AuthorizationError::new("server_error", "the server cannot keep the sign-in")
            }
        };
        self.send_back(&request, &error)
    }

    fn reject(&self, error: CallbackError) -> Response {
        match error {
            CallbackError::Malformed(error) => {
                self.stop(StatusCode::BAD_REQUEST, &error.to_string())
            }
            CallbackError::NoCookie | CallbackError::OtherBrowser => self.other_browser(),
            CallbackError::NoState | CallbackError::Expired => self.too_late(),
            CallbackError::Store(error) => self.failed(&error),
            CallbackError::Aborted(error) => {
                self.failed(&StoreError::unavailable("completing a sign-in", error))
            }
        }
    }
}
