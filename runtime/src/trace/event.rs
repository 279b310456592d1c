//! Events, and the values that come apart from them.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{context::TraceContext, id::SpanId, kind::EventKind};

/// Something that was decided or done.
///
/// As JSON it is one flat object:
///
/// ```json
/// {"id":7,"span":"9f2c0000000000a1","parent":null,"at_us":1834021,"event":"tool_called","tool":"add"}
/// ```
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The number of the event in this process, from 1.
    pub id: u64,
    /// What it belongs to: a request, a consent, a refresh, an authorization.
    pub span: SpanId,
    /// The span that caused this one.
    pub parent: Option<SpanId>,
    /// The time since the server was built. It never goes back. `at_us` in JSON.
    #[serde(rename = "at_us", serialize_with = "microseconds")]
    pub at: Duration,
    /// The trace of OpenTelemetry that the request belongs to, where an observer
    /// [wants it](super::Observer::wants_trace_context). JSON is without it: its baggage is the client's.
    #[serde(skip)]
    pub trace: Option<&'a TraceContext>,
    /// What was decided or done.
    #[serde(flatten)]
    pub kind: EventKind<'a>,
}

impl<'a> Event<'a> {
    /// An event that belongs to nothing, for an observer that reads its kind alone.
    pub(crate) fn detached(kind: EventKind<'a>) -> Self {
        Self { id: 0, span: SpanId::new(0), parent: None, at: Duration::ZERO, trace: None, kind }
    }
}

/// The values of a call: what events never have.
///
/// As JSON it is a flat object, with the values under `json`.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Values<'a> {
    /// The request that they belong to.
    pub span: SpanId,
    /// The time since the server was built. `at_us` in JSON.
    #[serde(rename = "at_us", serialize_with = "microseconds")]
    pub at: Duration,
    /// What they are.
    #[serde(rename = "values")]
    pub kind: ValuesKind,
    /// The values.
    pub json: &'a RawValue,
}

/// What [`Values`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValuesKind {
    /// The arguments of a call.
    Arguments,
    /// The result of a call, or its error.
    Result,
}

fn microseconds<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(at.as_micros()).unwrap_or(u64::MAX))
}
