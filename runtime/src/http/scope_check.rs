//! Scopes of a message: those that its caller lacks, and what is done about it.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::{Extensions, HeaderMap};
use serde_json::value::RawValue;

use super::headers as names;
use crate::{
    gate::{
        AuthError, Claims,
        gate_error::GateError,
        step_up::{StepUpMeans, StepUpOutcome},
    },
    mcp::{
        dispatch::Dispatch,
        message::{CallParams, Message, params::REVISION},
        registry::ServedTool,
    },
};

/// What the claims of a caller do not cover.
pub(super) enum Lack<'a> {
    /// A call of this tool, for this reason, with the digest of its name and arguments.
    Call(&'a ServedTool, AuthError, u64),
    /// The list of tools, as far as it is known yet.
    List,
}

/// Compares the scopes of the token with those that the message needs.
pub(super) fn check<'s>(
    dispatch: &Dispatch,
    (extensions, message): (&Extensions, &Message<'_>),
    call: Option<&(CallParams<'_, '_>, Option<&'s ServedTool>)>,
    caller: Option<&Claims>,
) -> Result<(), Lack<'s>> {
    let Some(gate) = &dispatch.resource_server else { return Ok(()) };
    match call {
        Some((call, Some(tool))) => tool.required_scopes.check(caller).map_err(|error| {
            tool.trace_scopes(&dispatch.tracer.of(extensions), caller);
            let mut digest = DefaultHasher::new();
            (&call.name, call.arguments.map(RawValue::get)).hash(&mut digest);
            Lack::Call(tool, error, digest.finish())
        }),
        // The list may have tools for which the caller has got the scopes since.
        None if gate.hides_unauthorized_tools() && message.method() == "tools/list" => {
            Err(Lack::List)
        }
        _ => Ok(()),
    }
}

/// The claims with what was added to the caller's sign-in, if the message needs it.
///
/// `None`: the message goes on without. A call then has a link in `extensions`, those of its request,
/// by which it is answered.
pub(super) async fn step_up(
    dispatch: &Dispatch,
    (extensions, means): (&mut Extensions, StepUpMeans),
    lack: Lack<'_>,
    caller: Option<&Claims>,
) -> Result<Option<Claims>, GateError> {
    let Some(gate) = &dispatch.resource_server else { return Ok(None) };
    let (tool, error, digest) = match lack {
        Lack::Call(tool, error, digest) => (tool, error, digest),
        Lack::List => return Ok(gate.widened(caller).await),
    };
    let span = dispatch.tracer.of(extensions);
    match gate.step_up(tool.audited(&span, caller), error, digest, means).await? {
        StepUpOutcome::Widened(claims) => Ok(Some(claims)),
        StepUpOutcome::Ask(offer) => {
            extensions.insert(offer);
            Ok(None)
        }
    }
}

/// What the client of a request with these headers can do about a refusal.
pub(super) fn means_of(headers: &HeaderMap) -> StepUpMeans {
    let version = headers.get(&names::VERSION).and_then(|version| version.to_str().ok());
    let is_current = version.is_some_and(|version| version >= REVISION);
    StepUpMeans { accumulates: !is_current, reads_challenges: true }
}
