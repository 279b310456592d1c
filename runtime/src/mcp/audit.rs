//! Who called what, and how it ended: one event for each call, under a target of its own.
//!
//! The event names the subject as the token does, because that is what an audit is for; the
//! spans and every other event have a pseudonym. Neither has an argument or a token.

use rmcp::{ErrorData, model::CallToolResponse};

use crate::gate::Claims;
use crate::gate::required_scopes::Demand;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// The tool failed, and said so.
    Failed,
    /// The user is asked to connect an account.
    ConsentAsked,
    /// The gate refused it: why.
    Refused(&'static str),
    /// The protocol was not kept.
    Faulty,
    /// Whoever called left before the end.
    Left,
}

impl Ended {
    pub(crate) fn of(outcome: &Result<CallToolResponse, ErrorData>, asked: bool) -> Self {
        match outcome {
            _ if asked => Self::ConsentAsked,
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => Self::Failed,
            Ok(CallToolResponse::Complete(_)) => Self::Done,
            Ok(_) => Self::ConsentAsked,
            Err(_) => Self::Faulty,
        }
    }

    pub(crate) fn word(self) -> &'static str {
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

/// The line of a call that has begun: it is written however the call ends.
pub(crate) struct Line<'a> {
    tool: &'a str,
    demand: &'a Demand,
    claims: Option<&'a Claims>,
    ended: Ended,
}

impl<'a> Line<'a> {
    pub(crate) fn begin(tool: &'a str, demand: &'a Demand, claims: Option<&'a Claims>) -> Self {
        Self { tool, demand, claims, ended: Ended::Left }
    }

    pub(crate) fn end(mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        log(self.tool, self.demand, self.claims, self.ended);
    }
}

/// Writes the event. `claims` is `None` of the local person, and of nobody.
pub(crate) fn log(tool: &str, demand: &Demand, claims: Option<&Claims>, ended: Ended) {
    let why = if let Ended::Refused(why) = ended { why } else { "" };
    tracing::info!(
        target: "toolgate::audit",
        tool,
        scopes = demand.declared,
        subject = claims.map(Claims::subject),
        issuer = claims.map(Claims::issuer),
        client = claims.and_then(Claims::client_id),
        outcome = ended.word(),
        why,
        "call",
    );
}
