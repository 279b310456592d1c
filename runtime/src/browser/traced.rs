//! Events of an authorization in a browser.

use std::time::Instant;

use url::Url;

use crate::{
    oauth::{TokenError, TokenResponse, UpstreamClient},
    trace::{CallbackOutcome, EventKind, Flow, Origin, Span, TokenOutcome, ms_since},
};

/// What an authorization is for, and the span of its events.
#[derive(Clone)]
pub(crate) struct FlowTrace {
    pub(crate) flow: Flow,
    pub(crate) span: Span,
}

impl FlowTrace {
    /// The browser is sent to `url`.
    pub(super) fn requested(&self, oauth: &UpstreamClient, url: &Url, scopes: &[String]) {
        self.span.emit(|| EventKind::AuthorizationRequested {
            flow: self.flow,
            provider: oauth.registration.id,
            origin: Origin::of(url),
            scopes: scopes.into(),
        });
    }

    /// The browser came back to an authorization that was pending.
    pub(super) fn returned(&self, outcome: CallbackOutcome) {
        let flow = self.flow;
        self.span.emit(|| EventKind::CallbackReceived { flow, outcome });
    }

    /// The code was exchanged, or was not.
    pub(super) fn exchanged(
        &self,
        oauth: &UpstreamClient,
        result: &Result<TokenResponse, TokenError>,
        started: Option<Instant>,
    ) {
        self.span.emit(|| {
            let tokens = result.as_ref().ok();
            EventKind::CodeExchanged {
                flow: self.flow,
                provider: oauth.registration.id,
                outcome: outcome(result),
                status: match result {
                    Err(TokenError::Refused { status, .. }) => Some(*status),
                    _ => None,
                },
                expires_in_s: tokens.and_then(|it| it.expires_in).map(|left| left.as_secs()),
                refresh_token: tokens.is_some_and(|it| it.refresh_token.is_some()),
                ms: ms_since(started),
            }
        });
    }
}

fn outcome(result: &Result<TokenResponse, TokenError>) -> TokenOutcome {
    match result {
        Ok(_) => TokenOutcome::Done,
        Err(TokenError::InvalidGrant { .. }) => TokenOutcome::InvalidGrant,
        Err(TokenError::Refused { .. }) => TokenOutcome::Refused,
        Err(TokenError::Unreachable { .. }) => TokenOutcome::Unreachable,
        Err(TokenError::Busy { .. }) => TokenOutcome::Busy,
    }
}
