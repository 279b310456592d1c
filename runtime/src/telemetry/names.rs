//! Names of what events say, as labels and attributes have them: constants, and closed sets.

use std::fmt;

use serde::Serialize;

use crate::trace::{CallOutcome, OperationOutcome, UpstreamFailure};

/// A name that the program does not have.
pub(super) const OTHER: &str = "_OTHER";

/// A variant of a closed set, by the name that it has in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label<T>(pub(super) T);

/// A formatter writes a variant without fields by its name.
impl<T: Serialize> fmt::Display for Label<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

/// The name of a variant.
#[cfg(feature = "opentelemetry")]
pub(super) fn name_of(variant: impl Serialize) -> String {
    Label(variant).to_string()
}

/// The `error.type` of a call; empty without an error. `why`: the code of a refusal.
pub(super) fn call_error(
    outcome: CallOutcome,
    why: &'static str,
    code: Option<i32>,
) -> &'static str {
    match (code, outcome) {
        (Some(code), _) => code_name(code),
        (None, CallOutcome::Failed) => "tool_error",
        (None, CallOutcome::Refused) => why,
        (None, CallOutcome::Left) => "cancelled",
        (None, _) => "",
    }
}

/// The `error.type` of another request; empty without an error.
pub(super) fn operation_error(outcome: OperationOutcome, code: Option<i32>) -> &'static str {
    match (code, outcome) {
        (Some(code), _) => code_name(code),
        (None, OperationOutcome::Left) => "cancelled",
        (None, OperationOutcome::Done) => "",
        (None, OperationOutcome::Failed) => OTHER,
    }
}

/// The code of an error of the protocol, as text. A handler of the application may have codes of its
/// own, which count as one.
pub(super) fn code_name(code: i32) -> &'static str {
    match code {
        -32700 => "-32700",
        -32600 => "-32600",
        -32601 => "-32601",
        -32602 => "-32602",
        -32603 => "-32603",
        -32042 => "-32042",
        -32021 => "-32021",
        -32020 => "-32020",
        -32003 => "-32003",
        -32002 => "-32002",
        -32001 => "-32001",
        -32000 => "-32000",
        _ => OTHER,
    }
}

/// How a request to an API ended: a status that says something by itself, or its class, or why there is
/// none.
pub(super) fn upstream_outcome(
    status: Option<u16>,
    failure: Option<UpstreamFailure>,
) -> &'static str {
    match (status, failure) {
        (Some(401), _) => "401",
        (Some(403), _) => "403",
        (Some(429), _) => "429",
        (Some(200..=299), _) => "2xx",
        (Some(300..=399), _) => "3xx",
        (Some(400..=499), _) => "4xx",
        (Some(500..=599), _) => "5xx",
        (Some(_), _) => OTHER,
        (None, Some(UpstreamFailure::Connect)) => "connect",
        (None, Some(UpstreamFailure::Timeout)) => "timeout",
        (None, _) => "broken",
    }
}

/// The `error.type` of a request to an API: its status from 400 on, or why there is none.
#[cfg(feature = "opentelemetry")]
pub(super) fn upstream_error(status: Option<u16>, failure: Option<UpstreamFailure>) -> String {
    match status {
        Some(status) if status >= 400 => status.to_string(),
        Some(_) => String::new(),
        None => upstream_outcome(None, failure).to_owned(),
    }
}
