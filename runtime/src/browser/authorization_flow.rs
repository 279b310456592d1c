//! The authorization code flow through a browser (RFC 6749 §4.1, RFC 7636, RFC 9207).
//!
//! [`AuthorizationFlow::start`] sends the browser to an authorization server, [`callback`] handles
//! its return. What holds for every feature that signs in this way:
//!
//! * A `state` works once, for ten minutes, and only in the browser that got it; a stranger who
//!   learns it cannot use it up.
//! * The response must come to the redirect URI that was sent, and from the issuer that was asked.
//! * The code is redeemed, and the result stored, in a task of its own: a browser that disconnects
//!   in the meantime loses nothing.

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;
use zeroize::Zeroizing;

use super::{
    authorization_response::AuthorizationResponse,
    form::FormError,
    pending_authorization::{
        ExpectedIssuer, PENDING_AUTHORIZATION_TTL, PendingAuthorization, PendingStore,
    },
    traced::FlowTrace,
};
use crate::{
    grant::{Clock, StoreError},
    oauth::{
        AuthorizationCode, CsrfToken, RedirectUrl, TokenError, TokenResponse, UpstreamClient,
        new_pkce,
    },
    support::{background as task, crash_point::crash_point, crypto, escape::printable},
    trace::CallbackOutcome,
};

/// The flow, with its store.
#[derive(Clone)]
pub(crate) struct AuthorizationFlow {
    store: Arc<dyn PendingStore>,
    clock: Arc<dyn Clock>,
}

/// An authorization request to send.
pub(crate) struct NewAuthorization<'a, T> {
    pub(crate) state: &'a CsrfToken,
    /// The secret in the browser's cookie.
    pub(crate) browser: &'a str,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: RedirectUrl,
    pub(crate) issuer: ExpectedIssuer,
    pub(crate) context: T,
    pub(crate) trace: FlowTrace,
}

/// What a feature adds to the flow.
#[async_trait]
pub(crate) trait AuthorizationHandler: Clone + Send + Sync + 'static {
    /// What it needs to go on when the browser is back.
    type Context: Serialize + DeserializeOwned + Send + Sync + 'static;

    fn flow(&self) -> &AuthorizationFlow;

    /// The secret that the browser's cookie holds for this `state`.
    fn browser_secret(&self, headers: &HeaderMap, state: &str) -> Option<String>;

    /// What its events belong to; without a context, those of a request that completes nothing.
    fn trace(&self, context: Option<&Self::Context>) -> FlowTrace;

    /// The client that redeems the code; the error says why there is none.
    fn client(&self, context: &Self::Context) -> Result<UpstreamClient, String>;

    /// Answers the browser, with the tokens or without.
    async fn complete(
        &self,
        returned: Returned<Self::Context>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Response;

    /// Answers a request that completes no pending authorization.
    fn reject(&self, error: CallbackError) -> Response;
}

/// A browser that is back.
pub(crate) struct Returned<T> {
    pub(crate) context: T,
    /// The scopes that were requested.
    pub(crate) scopes: Vec<String>,
    /// The secret in the browser's cookie.
    #[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
    pub(crate) browser: String,
}

/// Why an authorization that was pending gave no tokens.
#[derive(Debug)]
pub(crate) enum AuthorizationFailure {
    /// The response is not an answer to the request: a mix-up of servers.
    Mismatch(&'static str),
    /// The authorization server answered with an error (RFC 6749 §4.1.2.1).
    Refused { error: String, description: String },
    /// The response has neither a code nor an error.
    NoCode,
    /// The client that could redeem the code is no longer configured.
    NoClient(String),
    /// The token endpoint did not redeem the code.
    Exchange(TokenError),
}

/// Why a request to a redirect URI completes nothing.
#[derive(Debug)]
pub(crate) enum CallbackError {
    Malformed(FormError),
    /// There is no `state`.
    NoState,
    /// The browser has no cookie for this `state`.
    NoCookie,
    /// The `state` was given to another browser.
    OtherBrowser,
    /// The `state` was used, has expired, or was never given.
    Expired,
    Store(StoreError),
    /// The task panicked.
    Aborted(String),
}

impl CallbackError {
    fn outcome(&self) -> CallbackOutcome {
        match self {
            Self::Malformed(_) => CallbackOutcome::Malformed,
            Self::NoState => CallbackOutcome::NoState,
            Self::NoCookie => CallbackOutcome::NoCookie,
            Self::OtherBrowser => CallbackOutcome::OtherBrowser,
            Self::Expired => CallbackOutcome::Expired,
            Self::Store(_) => CallbackOutcome::Store,
            Self::Aborted(_) => CallbackOutcome::Aborted,
        }
    }
}

impl AuthorizationFailure {
    fn outcome(&self) -> CallbackOutcome {
        match self {
            Self::Mismatch(_) => CallbackOutcome::Mismatch,
            Self::Refused { .. } => CallbackOutcome::Error,
            Self::NoCode => CallbackOutcome::NoCode,
            Self::NoClient(_) => CallbackOutcome::NoClient,
            Self::Exchange(_) => CallbackOutcome::Code,
        }
    }
}

impl AuthorizationFlow {
    pub(crate) fn new(store: impl PendingStore, clock: Arc<dyn Clock>) -> Self {
        Self { store: Arc::new(store), clock }
    }

    /// Stores a pending authorization, and returns the URL to which the browser goes.
    pub(crate) async fn start<T: Serialize + Send>(
        &self,
        oauth: &UpstreamClient,
        request: NewAuthorization<'_, T>,
    ) -> Result<Url, StoreError> {
        let NewAuthorization { state, browser, scopes, redirect_uri, issuer, context, trace } =
            request;
        let (challenge, code_verifier) = new_pkce();
        let url = oauth.authorization_url(&scopes, state, challenge, &redirect_uri);
        let pending = PendingAuthorization {
            code_verifier,
            browser: crypto::sha256_base64url(browser),
            redirect_uri,
            issuer,
            scopes,
            context,
        };
        let bytes = serde_json::to_vec(&pending)
            .map(Zeroizing::new)
            .map_err(|error| StoreError::unavailable("writing an authorization", error))?;
        let expires_at = self.clock.now() + PENDING_AUTHORIZATION_TTL;
        self.store.put(state.secret(), &bytes, expires_at).await?;
        trace.requested(oauth, &url, &pending.scopes);
        Ok(url)
    }

    /// Takes the pending authorization of `state`, once. The browser is compared before it is
    /// taken: another one does not use it up.
    async fn take<T: DeserializeOwned>(
        &self,
        state: &str,
        browser: &str,
    ) -> Result<PendingAuthorization<T>, CallbackError> {
        let read =
            |bytes: Option<Zeroizing<Vec<u8>>>| -> Result<PendingAuthorization<T>, CallbackError> {
                let bytes = bytes.ok_or(CallbackError::Expired)?;
                serde_json::from_slice(&bytes).map_err(|_| CallbackError::Expired)
            };
        let found = read(self.store.peek(state).await.map_err(CallbackError::Store)?)?;
        if !found.is_of_browser(browser) {
            return Err(CallbackError::OtherBrowser);
        }
        // Of two requests at once, one gets it.
        read(self.store.take(state).await.map_err(CallbackError::Store)?)
    }
}

/// Handles a request to the redirect URI of `handler`.
pub(crate) async fn callback<H: AuthorizationHandler>(
    handler: H,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let mut response = match AuthorizationResponse::parse(uri.query().unwrap_or_default()) {
        Ok(response) => response,
        Err(error) => return reject(&handler, CallbackError::Malformed(error)),
    };
    let Some(state) = response.state.take() else {
        return reject(&handler, CallbackError::NoState);
    };
    let Some(browser) = handler.browser_secret(headers, &state) else {
        return reject(&handler, CallbackError::NoCookie);
    };
    let (path, worker) = (uri.path().to_owned(), handler.clone());
    let completed = task::spawn(async move {
        let pending = match worker.flow().take::<H::Context>(&state, &browser).await {
            Ok(pending) => pending,
            Err(error) => return reject(&worker, error),
        };
        crash_point("consent.taken");
        let tokens = redeem(&worker, &pending, &path, response).await;
        crash_point("consent.exchanged");
        let PendingAuthorization { context, scopes, .. } = pending;
        worker.complete(Returned { context, scopes, browser }, tokens).await
    });
    completed
        .await
        .unwrap_or_else(|error| reject(&handler, CallbackError::Aborted(error.to_string())))
}

fn reject<H: AuthorizationHandler>(handler: &H, error: CallbackError) -> Response {
    handler.trace(None).returned(error.outcome());
    handler.reject(error)
}

async fn redeem<H: AuthorizationHandler>(
    handler: &H,
    pending: &PendingAuthorization<H::Context>,
    path: &str,
    response: AuthorizationResponse,
) -> Result<TokenResponse, AuthorizationFailure> {
    let trace = handler.trace(Some(&pending.context));
    let (oauth, code) = match check(handler, pending, path, response) {
        Ok(checked) => checked,
        Err(failure) => {
            trace.returned(failure.outcome());
            return Err(failure);
        }
    };
    trace.returned(CallbackOutcome::Code);
    let started = trace.span.now();
    let result = oauth.exchange_code(code, &pending.code_verifier, &pending.redirect_uri).await;
    trace.exchanged(&oauth, &result, started);
    result.map_err(AuthorizationFailure::Exchange)
}

/// The code of a response that is an answer to the request, and the client that redeems it.
fn check<H: AuthorizationHandler>(
    handler: &H,
    pending: &PendingAuthorization<H::Context>,
    path: &str,
    response: AuthorizationResponse,
) -> Result<(UpstreamClient, AuthorizationCode), AuthorizationFailure> {
    let oauth = handler.client(&pending.context).map_err(AuthorizationFailure::NoClient)?;
    pending.check_origin(path, &response).map_err(AuthorizationFailure::Mismatch)?;
    if let Some(error) = response.error {
        let description = printable(&response.error_description.unwrap_or_default());
        return Err(AuthorizationFailure::Refused { error: printable(&error), description });
    }
    let code = response.code.ok_or(AuthorizationFailure::NoCode)?;
    Ok((oauth, AuthorizationCode::new(code)))
}
