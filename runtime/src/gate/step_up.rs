//! Step-up: how a caller whose token lacks scopes gets them (RFC 6750 §3.1).
//!
//! A token of the server's own broker belongs to a sign-in, which can get more scopes while the token
//! lives: the gate counts what was added to the sign-in with the scopes of the token. So a host that
//! cannot ask for a wider token gets a link, and the same call succeeds with the same token.

use std::{collections::BTreeSet, time::Duration};

use super::{
    AuthError, Challenge, Claims,
    audit::AuditedCall,
    gate_error::GateError,
    resource_server::ResourceServer,
    sign_in_scopes::{StepUpAnswer, StepUpCall, StepUpLink},
};
use crate::trace::{CallOutcome, EventKind, SpanId, StepUpOutcome as Outcome};

/// A call that needs scopes which its token lacks.
pub(crate) enum StepUpOutcome {
    /// The sign-in has them: the claims with what was added.
    Widened(Claims),
    /// The person is asked for them.
    Ask(StepUpOffer),
}

/// What the client of a call can do about its refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepUpMeans {
    /// The client asks for exactly the scopes of the challenge, so that it has to repeat those of the
    /// token. Clients before 2026-07-28 do.
    pub(crate) accumulates: bool,
    /// The refusal has a status and headers, so that a client can follow a challenge. On a transport
    /// without them the person gets a link at once.
    pub(crate) reads_challenges: bool,
}

/// Request extension: the link for a call that lacks scopes.
#[derive(Clone, Debug)]
pub(crate) struct StepUpOffer {
    pub(crate) link: StepUpLink,
    /// The challenge, for hosts that read it from results.
    pub(crate) challenge: String,
}

impl ResourceServer {
    /// The claims with what was added to their sign-in, if anything was.
    pub(crate) async fn widened(&self, caller: Option<&Claims>) -> Option<Claims> {
        let (claims, sign_ins) = (caller?, self.sign_ins.as_ref()?);
        let added = match sign_ins.added(claims) {
            Some(added) => added,
            None => sign_ins.load_added(claims).await?,
        };
        Some(claims.clone().scopes(added.iter().cloned()))
    }

    /// Decides about a call whose token lacks scopes for `error`: it may have got them since, or the
    /// person is asked for them by a link, or the call is refused.
    pub(crate) async fn step_up(
        &self,
        call: AuditedCall<'_>,
        error: AuthError,
        digest: u64,
        means: StepUpMeans,
    ) -> Result<StepUpOutcome, GateError> {
        let AuditedCall { span, tool, required_scopes: required, claims: caller } = call;
        let decided = |outcome, missing: &[&'static str], step_up| {
            span.emit(|| EventKind::StepUp { tool, outcome, missing, step_up });
        };
        let refuse = |error| Err(self.refuse_call(call, error, means.accumulates));
        let (Some(claims), Some(sign_ins)) = (caller, &self.sign_ins) else {
            return refuse(error);
        };
        let widen = |added: &BTreeSet<String>| claims.clone().scopes(added.iter().cloned());
        let covers = |claims: &Claims| required.check(Some(claims)).is_ok();
        let known = sign_ins.added(claims).map(|added| widen(&added));
        if let Some(widened) = known.filter(covers) {
            decided(Outcome::Widened, &[], None);
            return Ok(StepUpOutcome::Widened(widened));
        }
        let stored = sign_ins.load_added(claims).await.map(|added| widen(&added));
        let missing = match stored {
            Some(widened) if covers(&widened) => {
                decided(Outcome::Widened, &[], None);
                return Ok(StepUpOutcome::Widened(widened));
            }
            Some(widened) => required.missing(&widened),
            None => required.missing(claims),
        };
        if required.explain_withheld(claims).is_some() {
            return refuse(error);
        }
        let lacking = if span.is_observed() { missing.clone() } else { Vec::new() };
        let asked = StepUpCall { digest, policy: self.step_up_policy(means.reads_challenges) };
        match sign_ins.answer(claims, missing, asked).await {
            StepUpAnswer::Challenge => {
                decided(Outcome::Challenge, &lacking, None);
                refuse(error)
            }
            StepUpAnswer::Refused(text) => {
                decided(Outcome::Refused, &lacking, None);
                call.report(CallOutcome::Refused, error.code());
                Err(GateError::InResult { text, challenge: None })
            }
            StepUpAnswer::Link(link) => {
                decided(Outcome::Link, &lacking, Some(SpanId::of_secret(&link.id)));
                call.report(CallOutcome::ConsentAsked, "");
                let scopes = required.names().map(str::to_owned).collect();
                let metadata_url = self.metadata_url();
                let challenge = Challenge { error: &error, metadata_url, scopes }.to_text();
                Ok(StepUpOutcome::Ask(StepUpOffer { link, challenge }))
            }
        }
    }

    /// Waits until the sign-in of the token with these claims has ended. It does not, where the token
    /// belongs to none.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) async fn sign_in_ended(&self, claims: &Claims) {
        match &self.sign_ins {
            Some(sign_ins) => sign_ins.ended(claims).await,
            None => std::future::pending().await,
        }
    }

    /// Waits until the person has decided about the link, for `timeout` at most, and returns the
    /// claims with what was added to their sign-in.
    pub(crate) async fn wait_for_step_up(
        &self,
        claims: &Claims,
        link: &StepUpLink,
        timeout: Duration,
    ) -> Option<Claims> {
        let sign_ins = self.sign_ins.as_ref()?;
        sign_ins.decided(&link.id, timeout).await;
        let added = sign_ins.load_added(claims).await?;
        Some(claims.clone().scopes(added.iter().cloned()))
    }
}
