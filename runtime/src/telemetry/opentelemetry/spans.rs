//! Spans of OpenTelemetry: each is made of the event that ends it.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::{
    telemetry::names::{call_error, name_of, operation_error, upstream_error},
    trace::{Elapsed, Event, EventKind, RemoteSpan, StoreOutcome, TokenOutcome, TraceContext},
};

/// The span of a refresh. An exchange of a caller's token is an event of its call, and has none.
const REFRESH: &str = "toolgate.grant.refresh";

/// What an event says of the span that it ends.
struct Ended {
    id: [u8; 8],
    /// `None`: the client's, or none.
    parent: Option<[u8; 8]>,
    kind: SpanKind,
    name: Cow<'static, str>,
    took: Duration,
    attributes: Vec<KeyValue>,
    /// Empty if the operation succeeded.
    error: Cow<'static, str>,
}

/// The span that this event ends, if it ends one.
pub(super) fn of(
    event: &Event<'_>,
    context: &TraceContext,
    scope: &InstrumentationScope,
) -> Option<SpanData> {
    let ended = request(event).or_else(|| step(event))?;
    let end_time = SystemTime::now();
    let is_request = ended.parent.is_none();
    let parent = context.parent.filter(|_| is_request);
    let mut attributes = ended.attributes;
    let status = if ended.error.is_empty() {
        Status::Unset
    } else {
        attributes.push(KeyValue::new("error.type", ended.error));
        Status::error("")
    };
    let state = || context.trace_state.parse().unwrap_or_default();
    let mut links = SpanLinks::default();
    if let Some(link) = context.link.filter(|_| is_request) {
        links.links.push(Link::with_context(remote(link, TraceState::NONE)));
    }
    Some(SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(context.trace_id),
            SpanId::from_bytes(ended.id),
            TraceFlags::SAMPLED,
            false,
            state(),
        ),
        parent_span_id: match (ended.parent, parent) {
            (Some(id), _) => SpanId::from_bytes(id),
            (None, Some(parent)) => SpanId::from_bytes(parent.span_id),
            (None, None) => SpanId::INVALID,
        },
        parent_span_is_remote: parent.is_some(),
        span_kind: ended.kind,
        name: ended.name,
        start_time: end_time.checked_sub(ended.took).unwrap_or(end_time),
        end_time,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status,
        instrumentation_scope: scope.clone(),
    })
}

fn remote(span: RemoteSpan, state: TraceState) -> SpanContext {
    let flags = if span.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, id) = (TraceId::from_bytes(span.trace_id), SpanId::from_bytes(span.span_id));
    SpanContext::new(trace, id, flags, true, state)
}

/// A request: of a client, or to a provider's API.
fn request(event: &Event<'_>) -> Option<Ended> {
    let id = event.span.to_bytes();
    Some(match event.kind {
        EventKind::CallEnded { tool, outcome, why, code, error, ms, .. } => {
            let mut attributes = vec![
                KeyValue::new("mcp.method.name", "tools/call"),
                KeyValue::new("gen_ai.operation.name", "execute_tool"),
                KeyValue::new("gen_ai.tool.name", tool),
                KeyValue::new("toolgate.outcome", name_of(outcome)),
            ];
            attributes.extend(status_code(code));
            attributes.extend(error.map(|error| KeyValue::new("toolgate.error", name_of(error))));
            Ended {
                id,
                parent: None,
                kind: SpanKind::Server,
                name: format!("tools/call {tool}").into(),
                took: ms.as_duration(),
                attributes,
                error: call_error(outcome, why, code).into(),
            }
        }
        EventKind::OperationEnded { operation, outcome, code, ms } => {
            let mut attributes = vec![KeyValue::new("mcp.method.name", operation.as_str())];
            attributes.extend(status_code(code));
            Ended {
                id,
                parent: None,
                kind: SpanKind::Server,
                name: operation.as_str().into(),
                took: ms.as_duration(),
                attributes,
                error: operation_error(outcome, code).into(),
            }
        }
        EventKind::UpstreamRequest {
            provider,
            method,
            path,
            status,
            failure,
            retried,
            request,
            ms,
            ..
        } => {
            let mut attributes = vec![
                KeyValue::new("http.request.method", name_of(method).to_ascii_uppercase()),
                KeyValue::new("url.template", path.to_string()),
                KeyValue::new("toolgate.provider", provider),
                KeyValue::new("toolgate.attempt", name_of(retried)),
            ];
            let status_code = status.map(i64::from);
            attributes.extend(status_code.map(|it| KeyValue::new("http.response.status_code", it)));
            Ended {
                id: request?.to_bytes(),
                parent: Some(id),
                kind: SpanKind::Client,
                name: name_of(method).to_ascii_uppercase().into(),
                took: ms.as_duration(),
                attributes,
                error: upstream_error(status, failure).into(),
            }
        }
        _ => return None,
    })
}

/// A step of toolgate's own: a refresh, a consent, a use of the store.
fn step(event: &Event<'_>) -> Option<Ended> {
    let id = event.span.to_bytes();
    Some(match event.kind {
        EventKind::RefreshDone { provider, outcome, joined, rotated, ms, .. } => child(
            (id, event),
            REFRESH,
            vec![
                KeyValue::new("toolgate.provider", provider.to_string()),
                KeyValue::new("toolgate.outcome", name_of(outcome)),
                KeyValue::new("toolgate.joined", i64::from(joined)),
                KeyValue::new("toolgate.rotated", rotated),
            ],
            (ms, "".into()),
        ),
        EventKind::RefreshFailed { provider, reason, joined, ms, .. } => child(
            (id, event),
            REFRESH,
            vec![
                KeyValue::new("toolgate.provider", provider.to_string()),
                KeyValue::new("toolgate.joined", i64::from(joined)),
            ],
            (ms, name_of(reason).into()),
        ),
        EventKind::GrantMade { provider, ms, .. } => {
            let attributes = vec![KeyValue::new("toolgate.provider", provider)];
            child((id, event), "toolgate.consent", attributes, (ms, Cow::Borrowed("")))
        }
        EventKind::ConsentFailed { provider, reason, ms } => {
            let attributes = vec![KeyValue::new("toolgate.provider", provider)];
            child((id, event), "toolgate.consent", attributes, (ms, name_of(reason).into()))
        }
        EventKind::CodeExchanged { flow, provider, outcome, status, ms, .. } => {
            let mut attributes = vec![
                KeyValue::new("toolgate.flow", name_of(flow)),
                KeyValue::new("toolgate.provider", provider),
            ];
            let status = status.map(i64::from);
            attributes.extend(status.map(|it| KeyValue::new("http.response.status_code", it)));
            Ended {
                id: within(event),
                parent: Some(id),
                kind: SpanKind::Client,
                name: "toolgate.oauth.code_exchange".into(),
                took: ms.as_duration(),
                attributes,
                error: match outcome {
                    TokenOutcome::Done => "".into(),
                    outcome => name_of(outcome).into(),
                },
            }
        }
        EventKind::StoreUsed { operation, outcome, ms } => {
            let operation = name_of(operation);
            let name = format!("toolgate.store.{operation}");
            let attributes = vec![
                KeyValue::new("toolgate.operation", operation),
                KeyValue::new("toolgate.outcome", name_of(outcome)),
            ];
            let error = match outcome {
                // Another write was faster, and this one is tried again.
                StoreOutcome::Done | StoreOutcome::Conflict => "".into(),
                outcome => name_of(outcome).into(),
            };
            child((id, event), name, attributes, (ms, error))
        }
        _ => return None,
    })
}

/// The identifier of a span for an event without a span of its own. It is made of the event's number,
/// which is unique.
fn within(event: &Event<'_>) -> [u8; 8] {
    let spread = event.id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u64::from_be_bytes(event.span.to_bytes()) ^ spread).to_be_bytes()
}

/// An internal span that another one caused.
fn child(
    (id, event): ([u8; 8], &Event<'_>),
    name: impl Into<Cow<'static, str>>,
    attributes: Vec<KeyValue>,
    (ms, error): (Elapsed, Cow<'static, str>),
) -> Ended {
    let parent = event.parent.map(crate::trace::SpanId::to_bytes);
    let (kind, took) = (SpanKind::Internal, ms.as_duration());
    Ended { id, parent, kind, name: name.into(), took, attributes, error }
}

fn status_code(code: Option<i32>) -> Option<KeyValue> {
    code.map(|code| KeyValue::new("rpc.response.status_code", code.to_string()))
}
