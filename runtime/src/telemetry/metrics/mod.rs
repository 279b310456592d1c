//! Metrics for Prometheus, in the text format of `OpenMetrics`.

mod families;
mod labels;
mod plain;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use prometheus_client::{encoding::text::encode, registry::Registry};

use self::{
    families::Families,
    labels::{
        BrokerRefusalLabels, CallLabels, ConsentAskedLabels, ConsentEndedLabels, Label,
        OperationLabels, ProviderLabels, ReadyLabels,
    },
};
use super::names::{OTHER, call_error, operation_error};
use crate::trace::{CallOutcome, Decision, Event, EventKind, Found, Observer, UpstreamAttempt};

/// The content type of the text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counts and measures what a server does, for Prometheus. Clones share it.
///
/// A server with a [management listener](crate::Server::management) has one of its own, at
/// `/metrics`. An application with a router of its own gives it to the server and shows its text where
/// it likes, but not to strangers:
///
/// ```
/// use toolgate::{prelude::*, telemetry::Metrics};
///
/// /// Adds two numbers.
/// #[tool]
/// async fn add(a: i64, b: i64) -> Json<i64> {
///     Json(a + b)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), toolgate::ConfigError> {
/// let metrics = Metrics::new();
/// let app = toolgate::server!().tools(tools![add]).metrics(metrics.clone()).build().await?;
/// assert!(metrics.to_string().contains("toolgate_build_info"));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// Operations of the protocol are measured as OpenTelemetry's conventions for MCP say; everything else
/// is under `toolgate_`. `docs/operations.md` has all of them.
///
/// # Cardinality
///
/// Each label is the name of a tool or of a provider that the program declares, or a variant of a
/// closed set. What clients send makes no new series: a method that the protocol does not have counts
/// as `_OTHER`, and a tool that the server does not have counts without a name.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    families: Families,
    /// The identifiers of the server's providers.
    providers: OnceLock<Box<[&'static str]>>,
}

impl Metrics {
    /// Creates metrics in which nothing was counted.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        Self(Arc::new(Inner { registry, families, providers: OnceLock::new() }))
    }

    /// Sets the providers of the server. Until then all of them are one.
    pub(crate) fn set_providers(&self, providers: impl IntoIterator<Item = &'static str>) {
        let _ = self.0.providers.set(providers.into_iter().collect());
    }

    /// Takes in the results of the checks of readiness.
    pub(crate) fn set_ready(&self, checks: &[(&'static str, bool)]) {
        for &(check, passed) in checks {
            let gauge = self.0.families.ready.get_or_create_owned(&ReadyLabels { check });
            gauge.set(i64::from(passed));
        }
    }

    /// The content type and the text, for a client with this `Accept`.
    pub(crate) fn render(&self, accept: &str) -> (&'static str, String) {
        let wants_plain = accept.contains("text/plain") && !accept.contains("openmetrics");
        let text = self.to_string();
        if wants_plain { (PROMETHEUS, plain::of(&text)) } else { (OPEN_METRICS, text) }
    }

    /// The name of a provider, if the server declares it.
    fn provider(&self, provider: Found<'_>) -> ProviderLabels {
        let known = self.0.providers.get().into_iter().flatten();
        let provider = known.copied().find(|known| *known == provider.unescaped());
        ProviderLabels { provider: provider.unwrap_or(OTHER) }
    }

    fn call_ended(
        &self,
        (tool, outcome, why): (&'static str, CallOutcome, &'static str),
        labels: CallLabels,
        code: Option<i32>,
        seconds: f64,
    ) {
        let error_type = call_error(outcome, why, code);
        let operation =
            OperationLabels { method: "tools/call", tool, operation: "execute_tool", error_type };
        let families = &self.0.families;
        families.operations.get_or_create(&operation).observe(seconds);
        families.calls.get_or_create(&labels).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The text, as `/metrics` has it.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        encode(f, &self.0.registry)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Observer for Metrics {
    #[allow(clippy::too_many_lines, reason = "one event after another")]
    fn on_event(&self, event: &Event<'_>) {
        let families = &self.0.families;
        match event.kind {
            EventKind::CallEnded { tool, outcome, why, error, code, ms, .. } => {
                let labels = CallLabels { tool, outcome: Label(outcome), error: error.map(Label) };
                self.call_ended((tool, outcome, why), labels, code, ms.as_duration().as_secs_f64());
            }
            EventKind::OperationEnded { operation, outcome, code, ms } => {
                let error_type = operation_error(outcome, code);
                let method = operation.as_str();
                let labels = OperationLabels { method, tool: "", operation: "", error_type };
                let seconds = ms.as_duration().as_secs_f64();
                families.operations.get_or_create(&labels).observe(seconds);
            }
            EventKind::TokenRefused { refusal } => families.token_refused(refusal.check),
            EventKind::RequestRefused { reason, .. } => families.request_refused(reason),
            EventKind::StepUp { outcome, .. } => families.step_up(outcome),
            EventKind::ConsentNeeded { provider, reason, .. } => {
                let labels = ConsentAskedLabels { provider, reason: Label(reason) };
                families.consents_asked.get_or_create(&labels).inc();
            }
            EventKind::GrantMade { provider, .. } => {
                let labels = ConsentEndedLabels { provider, failure: None };
                families.consents_ended.get_or_create(&labels).inc();
            }
            EventKind::ConsentFailed { provider, reason, .. } => {
                let labels = ConsentEndedLabels { provider, failure: Some(Label(reason)) };
                families.consents_ended.get_or_create(&labels).inc();
            }
            EventKind::CallbackReceived { flow, outcome } => families.callback(flow, outcome),
            EventKind::CodeExchanged { flow, outcome, ms, .. } => {
                families.code_exchanged(flow, outcome, ms);
            }
            EventKind::RefreshJoined { provider, .. } => {
                families.refreshes_joined.get_or_create(&self.provider(provider)).inc();
            }
            EventKind::RefreshDone { provider, outcome, ms, .. } => {
                families.refreshed(self.provider(provider).provider, Ok(outcome), ms);
            }
            EventKind::RefreshFailed { provider, reason, ms, .. } => {
                families.refreshed(self.provider(provider).provider, Err(reason), ms);
            }
            EventKind::UpstreamRequest { provider, status, failure, retried, ms, .. } => {
                families.upstream(provider, (status, failure), ms);
                if retried != UpstreamAttempt::First {
                    families.upstream_repeated(provider, retried);
                }
            }
            EventKind::SessionEnded { transport, ms } => families.session_ended(transport, ms),
            EventKind::StoreUsed { operation, outcome, ms } => {
                families.store_used(operation, outcome, ms);
            }
            EventKind::TokensIssued { grant_type, .. } => families.tokens_issued(grant_type),
            EventKind::TokenRequestRefused { code, .. } => {
                families.refused_by_broker(BrokerRefusalLabels { endpoint: "token", code });
            }
            EventKind::AuthorizationRefused { code, .. } => {
                families.refused_by_broker(BrokerRefusalLabels { endpoint: "authorize", code });
            }
            EventKind::RegistrationRefused { code, .. } => {
                families.refused_by_broker(BrokerRefusalLabels { endpoint: "register", code });
            }
            EventKind::ClientRegistered { .. } => _ = families.clients_registered.inc(),
            EventKind::BrokerConsent { decision, .. } if decision != Decision::Asked => {
                families.broker_decided(decision);
            }
            EventKind::TokenReused { outcome, .. } => families.token_reused(outcome),
            EventKind::DocumentFetched { outcome, .. } => families.document_fetched(outcome),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
