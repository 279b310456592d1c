//! Instruments of OpenTelemetry: the same measures as those of Prometheus, by their own names.

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Counter, Histogram, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::{
    telemetry::names::{call_error, name_of, operation_error, upstream_outcome},
    trace::{Elapsed, EventKind, SessionTransport},
};

/// As the conventions for MCP have them, in seconds.
const OPERATION: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Of sessions: those of the conventions, and longer ones, because people keep hosts open for hours.
const SESSION: [f64; 18] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1800.0, 3600.0,
    14_400.0, 86_400.0,
];

/// Of requests over a network, in seconds.
const NETWORK: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Of a database, in seconds.
const STORE: [f64; 12] = [0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

pub(super) struct Instruments {
    operations: Histogram<f64>,
    sessions: Histogram<f64>,
    upstream: Histogram<f64>,
    refreshes: Histogram<f64>,
    store: Histogram<f64>,
    token_refusals: Counter<u64>,
    request_refusals: Counter<u64>,
    consents_asked: Counter<u64>,
    consents_ended: Counter<u64>,
}

impl Instruments {
    pub(super) fn new(provider: &SdkMeterProvider, scope: InstrumentationScope) -> Self {
        let meter = provider.meter_with_scope(scope);
        let seconds = |name: &'static str, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s");
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        let counter = |name: &'static str| meter.u64_counter(name).build();
        Self {
            operations: seconds("mcp.server.operation.duration", &OPERATION),
            sessions: seconds("mcp.server.session.duration", &SESSION),
            upstream: seconds("toolgate.upstream.request.duration", &NETWORK),
            refreshes: seconds("toolgate.grant.refresh.duration", &NETWORK),
            store: seconds("toolgate.store.operation.duration", &STORE),
            token_refusals: counter("toolgate.gate.token_refusals"),
            request_refusals: counter("toolgate.gate.request_refusals"),
            consents_asked: counter("toolgate.consent.asked"),
            consents_ended: counter("toolgate.consent.ended"),
        }
    }

    pub(super) fn record(&self, kind: &EventKind<'_>) {
        match *kind {
            EventKind::CallEnded { tool, outcome, why, code, ms, .. } => {
                let mut attributes = vec![
                    KeyValue::new("mcp.method.name", "tools/call"),
                    KeyValue::new("gen_ai.operation.name", "execute_tool"),
                    KeyValue::new("gen_ai.tool.name", tool),
                ];
                attributes.extend(error(call_error(outcome, why, code)));
                observe(&self.operations, ms, &attributes);
            }
            EventKind::OperationEnded { operation, outcome, code, ms } => {
                let mut attributes = vec![KeyValue::new("mcp.method.name", operation.as_str())];
                attributes.extend(error(operation_error(outcome, code)));
                observe(&self.operations, ms, &attributes);
            }
            EventKind::SessionEnded { transport, ms } => {
                let (network, protocol) = match transport {
                    SessionTransport::Stdio => ("pipe", None),
                    SessionTransport::Websocket => ("tcp", Some("websocket")),
                    _ => ("tcp", Some("http")),
                };
                let mut attributes = vec![KeyValue::new("network.transport", network)];
                attributes
                    .extend(protocol.map(|name| KeyValue::new("network.protocol.name", name)));
                observe(&self.sessions, ms, &attributes);
            }
            EventKind::UpstreamRequest { provider, status, failure, ms, .. } => {
                let outcome = upstream_outcome(status, failure);
                let outcome = KeyValue::new("toolgate.outcome", outcome);
                observe(
                    &self.upstream,
                    ms,
                    &[KeyValue::new("toolgate.provider", provider), outcome],
                );
            }
            EventKind::RefreshDone { outcome, ms, .. } => {
                observe(
                    &self.refreshes,
                    ms,
                    &[KeyValue::new("toolgate.outcome", name_of(outcome))],
                );
            }
            EventKind::RefreshFailed { reason, ms, .. } => {
                observe(&self.refreshes, ms, &[KeyValue::new("toolgate.outcome", name_of(reason))]);
            }
            EventKind::StoreUsed { operation, outcome, ms } => {
                let operation = KeyValue::new("toolgate.operation", name_of(operation));
                let outcome = KeyValue::new("toolgate.outcome", name_of(outcome));
                observe(&self.store, ms, &[operation, outcome]);
            }
            EventKind::TokenRefused { refusal } => {
                let check = KeyValue::new("toolgate.check", name_of(refusal.check));
                self.token_refusals.add(1, &[check]);
            }
            EventKind::RequestRefused { reason, .. } => {
                self.request_refusals.add(1, &[KeyValue::new("toolgate.reason", name_of(reason))]);
            }
            EventKind::ConsentNeeded { provider, reason, .. } => {
                let reason = KeyValue::new("toolgate.reason", name_of(reason));
                self.consents_asked.add(1, &[KeyValue::new("toolgate.provider", provider), reason]);
            }
            EventKind::GrantMade { provider, .. } => {
                self.consents_ended.add(1, &[KeyValue::new("toolgate.provider", provider)]);
            }
            EventKind::ConsentFailed { provider, reason, .. } => {
                let reason = KeyValue::new("error.type", name_of(reason));
                self.consents_ended.add(1, &[KeyValue::new("toolgate.provider", provider), reason]);
            }
            _ => {}
        }
    }
}

fn error(error_type: &'static str) -> Option<KeyValue> {
    (!error_type.is_empty()).then(|| KeyValue::new("error.type", error_type))
}

fn observe(histogram: &Histogram<f64>, took: Elapsed, attributes: &[KeyValue]) {
    histogram.record(took.as_duration().as_secs_f64(), attributes);
}
