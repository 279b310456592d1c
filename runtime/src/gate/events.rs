//! Events of the gate: what observers are shown of claims and of errors.

use std::time::SystemTime;

use super::{AuthError, Claims};
use crate::trace::{
    AcceptedToken, Caller, EventKind, Found, FoundList, FoundValue, Span, SpanId, TokenCheck,
    TokenRefusal,
};

/// The type that an access token has (RFC 9068 §2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The algorithms that are accepted: those of [`algorithm`](super::verify::token::algorithm).
const ALGORITHMS: &str = "RS256 to RS512, PS256 to PS512, ES256, ES384 or EdDSA";

impl Claims {
    /// The caller, for an event.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller::new(self.subject(), self.issuer(), self.client_id())
    }

    /// The claims of a token that was accepted, for an event.
    pub(super) fn accepted(&self, now: SystemTime) -> AcceptedToken<'_> {
        let left = self.expiration().map(|end| end.duration_since(now).unwrap_or_default());
        let mut token = AcceptedToken::new(self.caller(), self.granted().into());
        token.expires_in_s = left.map(|left| left.as_secs());
        token.client_credentials = self.is_client_credentials();
        token.sign_in = self.sign_in_id().map(SpanId::of_secret);
        token
    }
}

impl AuthError {
    /// What the check found and expected, for an event.
    pub(super) fn refusal(&self) -> TokenRefusal<'_> {
        let text = |text| Some(FoundValue::Text(Found::new(text)));
        let mut refusal = TokenRefusal::new(self.check(), self.code(), self.status().as_u16());
        match self {
            Self::Malformed(rule) | Self::MalformedToken(rule) | Self::Proof(rule) => {
                refusal.detail = Some(rule);
            }
            Self::Claim(name) => refusal.detail = Some(name),
            Self::Expired { ago } => refusal.expired_s_ago = Some(ago.as_secs()),
            Self::WrongAudience { found, expected } => {
                refusal.found = Some(FoundValue::List(FoundList::from(&**found)));
                refusal.expected = Some(Found::new(expected));
            }
            Self::WrongIssuer { found, expected } => {
                refusal.found = text(found);
                refusal.expected = Some(Found::new(expected));
            }
            Self::NotYetValid { after } => refusal.valid_in_s = Some(after.as_secs()),
            Self::Algorithm { found } => {
                refusal.found = text(found);
                refusal.expected = Some(Found::new(ALGORITHMS));
            }
            Self::WrongType { found } => {
                refusal.found = found.as_deref().and_then(text);
                refusal.expected = Some(Found::new(ACCESS_TOKEN_TYPE));
            }
            Self::WrongClient { found } | Self::WrongClaim { found, .. } => {
                refusal.found = found.as_deref().and_then(text);
            }
            Self::Missing
            | Self::BadSignature
            | Self::UnknownKey
            | Self::UnnamedKey
            | Self::SenderConstrained
            | Self::Nonce { .. }
            | Self::Inactive
            | Self::Invalid
            | Self::Unavailable { .. }
            | Self::InsufficientScope { .. } => {}
        }
        refusal
    }

    fn check(&self) -> TokenCheck {
        match self {
            Self::Missing => TokenCheck::Presence,
            Self::Malformed(_) | Self::MalformedToken(_) => TokenCheck::Form,
            Self::Expired { .. } | Self::NotYetValid { .. } => TokenCheck::Time,
            // The client stands for the audience.
            Self::WrongAudience { .. } | Self::WrongClient { .. } => TokenCheck::Audience,
            Self::WrongIssuer { .. } => TokenCheck::Issuer,
            Self::BadSignature => TokenCheck::Signature,
            Self::UnknownKey | Self::UnnamedKey => TokenCheck::Key,
            Self::WrongType { .. } => TokenCheck::Type,
            Self::Algorithm { .. } => TokenCheck::Algorithm,
            Self::Claim(_) | Self::WrongClaim { .. } => TokenCheck::Claim,
            Self::SenderConstrained => TokenCheck::Binding,
            Self::Proof(_) => TokenCheck::Proof,
            Self::Nonce { .. } => TokenCheck::Nonce,
            Self::Inactive => TokenCheck::Activity,
            Self::Invalid => TokenCheck::Other,
            Self::Unavailable { .. } => TokenCheck::Availability,
            Self::InsufficientScope { .. } => TokenCheck::Scope,
        }
    }
}

/// The event of a challenge.
pub(super) fn challenged(span: &Span, error: &AuthError, scopes: &[String], in_result: bool) {
    let (status, code) = (error.status().as_u16(), error.error());
    let scopes = scopes.into();
    span.emit(|| EventKind::Challenged { status, error: code, scopes, in_result });
}

/// Logs which check failed, for whose token, and what to set so that it passes; neither the token nor a
/// whole claim.
pub(super) fn log(
    error: &AuthError,
    (issuer, key): (Option<&str>, Option<&str>),
    hint: Option<&str>,
) {
    let code = error.code();
    match error {
        AuthError::Missing => tracing::debug!(target: "toolgate::gate", code, "{error}"),
        AuthError::Unavailable { .. } => {
            tracing::error!(target: "toolgate::gate", code, issuer, key, "{error}");
        }
        _ => tracing::info!(target: "toolgate::gate", code, issuer, key, hint, "{error}"),
    }
}
