//! Audit log: one event a call, with target `toolgate::audit`.
//!
//! The event has the subject of the access token; all other events and the spans have a pseudonym.
//! None of them has an argument or a token.

use super::{claims::Claims, required_scopes::RequiredScopes};
use crate::support::escape::escape;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    Done,
    /// The tool returned an error.
    Failed,
    /// The user is asked to connect an account.
    ConsentAsked,
    /// The gate rejected the call; the field is the code of the error.
    Refused(&'static str),
    /// The request was a protocol error.
    Faulty,
    /// The client disconnected before the end.
    Left,
}

impl CallOutcome {
    /// The value of the field `outcome`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::ConsentAsked => "consent_asked",
            Self::Refused(_) => "refused",
            Self::Faulty => "faulty",
            Self::Left => "left",
        }
    }
}

/// The audit record of a running call. It is written on drop, so also when the call is cancelled.
pub(crate) struct AuditRecord<'a> {
    tool: &'a str,
    required_scopes: &'a RequiredScopes,
    claims: Option<&'a Claims>,
    outcome: CallOutcome,
}

impl<'a> AuditRecord<'a> {
    pub(crate) fn begin(
        tool: &'a str,
        required_scopes: &'a RequiredScopes,
        claims: Option<&'a Claims>,
    ) -> Self {
        Self { tool, required_scopes, claims, outcome: CallOutcome::Left }
    }

    pub(crate) fn end(mut self, outcome: CallOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for AuditRecord<'_> {
    fn drop(&mut self) {
        log(self.tool, self.required_scopes, self.claims, self.outcome);
    }
}

/// Writes an audit event. `claims` is `None` for the local user and for anonymous callers.
pub(crate) fn log(
    tool: &str,
    required_scopes: &RequiredScopes,
    claims: Option<&Claims>,
    outcome: CallOutcome,
) {
    let why = if let CallOutcome::Refused(why) = outcome { why } else { "" };
    tracing::info!(
        target: "toolgate::audit",
        tool,
        scopes = required_scopes.declared,
        subject = claims.map(Claims::subject).map(escape).as_deref(),
        issuer = claims.map(Claims::issuer).map(escape).as_deref(),
        client = claims.and_then(Claims::client_id).map(escape).as_deref(),
        outcome = outcome.as_str(),
        why,
        "call",
    );
}
