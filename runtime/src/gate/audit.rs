//! Audit log: one event a call, with target `toolgate::audit`.
//!
//! The event has the subject of the access token; all other events and the spans have a pseudonym.
//! None of them has an argument or a token.

use std::time::Instant;

use super::{claims::Claims, required_scopes::RequiredScopes};
use crate::{
    support::escape::escape,
    trace::{CallError, CallOutcome, Elapsed, Event, EventKind, Observer, Span, ms_since},
};

impl CallOutcome {
    /// The value of the field `outcome`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::ConsentAsked => "consent_asked",
            Self::Refused => "refused",
            Self::Faulty => "faulty",
            Self::Left => "left",
        }
    }
}

/// The observer that every server has: it writes a line for each call that ended.
struct AuditLog;

impl Observer for AuditLog {
    fn on_event(&self, event: &Event<'_>) {
        let EventKind::CallEnded { tool, declared, caller, outcome, why, .. } = event.kind else {
            return;
        };
        let text = |text| escape(text);
        let client = caller.and_then(|caller| caller.client);
        tracing::info!(
            target: "toolgate::audit",
            tool,
            scopes = declared.as_str(),
            subject = caller.map(|caller| text(caller.subject.unescaped())).as_deref(),
            issuer = caller.map(|caller| text(caller.issuer.unescaped())).as_deref(),
            client = client.map(|client| text(client.unescaped())).as_deref(),
            outcome = outcome.as_str(),
            why,
            "call",
        );
    }
}

/// A call that is audited.
#[derive(Clone, Copy)]
pub(crate) struct AuditedCall<'a> {
    pub(crate) span: &'a Span,
    pub(crate) tool: &'static str,
    pub(crate) required_scopes: &'a RequiredScopes,
    /// `None` for the local user and for anonymous callers.
    pub(crate) claims: Option<&'a Claims>,
}

impl AuditedCall<'_> {
    /// Reports a call that does not reach its tool. `why` is the code of the error, or empty.
    pub(crate) fn report(self, outcome: CallOutcome, why: &'static str) {
        self.send(outcome, why, (None, None), Elapsed::default());
    }

    fn send(
        self,
        outcome: CallOutcome,
        why: &'static str,
        (error, code): (Option<CallError>, Option<i32>),
        ms: Elapsed,
    ) {
        let Self { span, tool, required_scopes, claims } = self;
        let (declared, caller) = (&required_scopes.declared, claims.map(Claims::caller));
        let ended = EventKind::CallEnded { tool, declared, caller, outcome, why, error, code, ms };
        AuditLog.on_event(&Event::detached(ended));
        span.emit(|| ended);
    }
}

/// The audit record of a running call. It is written on drop, so also when the call is cancelled.
pub(crate) struct AuditRecord<'a> {
    call: AuditedCall<'a>,
    outcome: CallOutcome,
    /// The kind of the tool's error, or the code of an error of the protocol.
    error: (Option<CallError>, Option<i32>),
    started: Option<Instant>,
}

impl<'a> AuditRecord<'a> {
    pub(crate) fn begin(call: AuditedCall<'a>) -> Self {
        Self { call, outcome: CallOutcome::Left, error: (None, None), started: call.span.now() }
    }

    /// `error`: the kind of the tool's error, or the code of an error of the protocol, if there is one.
    pub(crate) fn end(mut self, outcome: CallOutcome, error: (Option<CallError>, Option<i32>)) {
        self.outcome = outcome;
        self.error = error;
    }
}

impl Drop for AuditRecord<'_> {
    fn drop(&mut self) {
        self.call.send(self.outcome, "", self.error, ms_since(self.started));
    }
}
