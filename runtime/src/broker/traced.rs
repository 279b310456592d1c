//! Events of the broker: the spans of authorizations, sign-ins and links.

use super::{
    client::ClientTrust, endpoint::request::AuthorizationRequest, state::Broker,
    store::step_ups::FoundLink, tokens::AccessToken,
};
use crate::trace::{self, Decision, EventKind, Found, GrantType, ReuseOutcome, Span, SpanId};

impl Broker {
    /// The span of a request that belongs to nothing else.
    pub(super) fn new_span(&self) -> Span {
        self.0.tracer.span()
    }

    /// The span of an authorization: from the request of a client until it gets tokens.
    pub(super) fn authorization_span(&self, challenge: &str) -> Span {
        self.0.tracer.span_of(challenge)
    }

    /// The span of a sign-in, or of a link that adds scopes to it.
    pub(super) fn span_of(&self, id: &str) -> Span {
        self.0.tracer.span_of(id)
    }

    pub(super) fn trace_consent(&self, request: &AuthorizationRequest, decision: Decision) {
        let client = Found::new(&request.client_id);
        self.authorization_span(&request.challenge)
            .emit(|| EventKind::BrokerConsent { client, decision });
    }

    /// Reports the tokens of the sign-in `id`.
    pub(super) fn trace_tokens(
        &self,
        (span, id): (&Span, &str),
        client: &str,
        grant_type: GrantType,
        (access, refresh_token): (&AccessToken, bool),
    ) {
        span.emit(|| EventKind::TokensIssued {
            client: Found::new(client),
            grant_type,
            scopes: access.scopes[..].into(),
            expires_in_s: access.expires_at.saturating_sub(self.now_s()),
            refresh_token,
            sign_in: Some(SpanId::of_secret(id)),
        });
    }

    /// Reports the token of an identity assertion.
    pub(super) fn trace_assertion(&self, client: &str, access: &AccessToken) {
        self.new_span().emit(|| EventKind::TokensIssued {
            client: Found::new(client),
            grant_type: GrantType::JwtBearer,
            scopes: access.scopes[..].into(),
            expires_in_s: access.expires_at.saturating_sub(self.now_s()),
            refresh_token: false,
            sign_in: None,
        });
    }

    fn now_s(&self) -> u64 {
        let now = self.now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap_or_default().as_secs()
    }

    /// Reports that a code or a refresh token of the sign-in `id` was used before.
    pub(super) fn trace_reuse(
        &self,
        (id, client): (&str, &str),
        grant_type: GrantType,
        outcome: ReuseOutcome,
    ) {
        let client = Found::new(client);
        self.span_of(id).emit(|| EventKind::TokenReused { client, grant_type, outcome });
    }

    pub(super) fn trace_step_up(&self, found: &FoundLink, decision: Decision) {
        if !self.0.tracer.is_observed() {
            return;
        }
        let link = format!("{}.{}", found.sign_in_id, found.link.secret);
        self.span_of(&link).emit(|| EventKind::StepUpDecided {
            client: Found::new(&found.sign_in.client_id),
            decision,
            scopes: found.link.scopes[..].into(),
        });
    }
}

/// Reports that a request for authorization was refused.
pub(super) fn refused(span: &Span, client: &str, code: &'static str) {
    let client = Found::new(client);
    span.emit(|| EventKind::AuthorizationRefused { client, code });
}

impl From<&ClientTrust> for trace::ClientTrust {
    fn from(trust: &ClientTrust) -> Self {
        match trust {
            ClientTrust::Known => Self::Known,
            ClientTrust::Document { .. } => Self::Document,
            ClientTrust::Registered => Self::Registered,
        }
    }
}
