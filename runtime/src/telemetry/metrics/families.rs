//! Families of metrics: their names, units and buckets.

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use super::labels::{
    BrokerRefusalLabels, CallLabels, CallbackLabels, CheckLabels, CodeExchangeLabels,
    ConsentAskedLabels, ConsentEndedLabels, DecisionLabels, DocumentLabels, GrantTypeLabels, Label,
    OperationLabels, ProviderLabels, ReadyLabels, RefreshEnd, RefreshLabels, RefusalLabels,
    ReuseLabels, SessionLabels, StepUpLabels, StoreLabels, UpstreamLabels, UpstreamRetryLabels,
    VersionLabels,
};
use crate::telemetry::names::upstream_outcome;
use crate::trace::{
    CallbackOutcome, Decision, DocumentOutcome, Elapsed, Flow, GrantType, RefreshFailure,
    RefreshOutcome, RequestRefusal, ReuseOutcome, SessionTransport, StepUpOutcome, StoreOperation,
    StoreOutcome, TokenCheck, TokenOutcome, UpstreamAttempt, UpstreamFailure,
};

/// A histogram of seconds with these upper bounds.
#[derive(Clone, Copy)]
pub(super) struct Seconds(&'static [f64]);

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// As the conventions of OpenTelemetry for MCP have them.
const OPERATION: Seconds =
    Seconds(&[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);

/// Of sessions: those of the conventions, and longer ones, because people keep hosts open for hours.
const SESSION: Seconds = Seconds(&[
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1800.0, 3600.0,
    14_400.0, 86_400.0,
]);

/// Of requests over a network.
const NETWORK: Seconds =
    Seconds(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);

/// Of a database. Its bounds are some seconds.
const STORE: Seconds = Seconds(&[
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
]);

type Histograms<L> = Family<L, Histogram, Seconds>;

/// All metrics.
pub(super) struct Families {
    pub(super) operations: Histograms<OperationLabels>,
    pub(super) calls: Family<CallLabels, Counter>,
    token_refusals: Family<CheckLabels, Counter>,
    request_refusals: Family<RefusalLabels, Counter>,
    step_ups: Family<StepUpLabels, Counter>,
    pub(super) consents_asked: Family<ConsentAskedLabels, Counter>,
    pub(super) consents_ended: Family<ConsentEndedLabels, Counter>,
    callbacks: Family<CallbackLabels, Counter>,
    code_exchanges: Histograms<CodeExchangeLabels>,
    refreshes: Histograms<RefreshLabels>,
    pub(super) refreshes_joined: Family<ProviderLabels, Counter>,
    upstream: Histograms<UpstreamLabels>,
    upstream_retries: Family<UpstreamRetryLabels, Counter>,
    sessions: Histograms<SessionLabels>,
    store: Histograms<StoreLabels>,
    broker_tokens: Family<GrantTypeLabels, Counter>,
    broker_refusals: Family<BrokerRefusalLabels, Counter>,
    broker_decisions: Family<DecisionLabels, Counter>,
    broker_reuses: Family<ReuseLabels, Counter>,
    pub(super) clients_registered: Counter,
    documents: Family<DocumentLabels, Counter>,
    pub(super) ready: Family<ReadyLabels, Gauge>,
}

/// Registers counters, each with its field, its name without `_total` and its help.
macro_rules! counters {
    ($registry:ident, $families:ident: $($field:ident = $name:literal, $help:literal;)*) => {
        $($registry.register($name, $help, $families.$field.clone());)*
    };
}

/// Registers histograms, each with its field, its name without `_seconds` and its help.
macro_rules! histograms {
    ($registry:ident, $families:ident: $($field:ident = $name:literal, $help:literal;)*) => {
        $($registry.register_with_unit($name, $help, Unit::Seconds, $families.$field.clone());)*
    };
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            operations: Family::new_with_constructor(OPERATION),
            calls: Family::default(),
            token_refusals: Family::default(),
            request_refusals: Family::default(),
            step_ups: Family::default(),
            consents_asked: Family::default(),
            consents_ended: Family::default(),
            callbacks: Family::default(),
            code_exchanges: Family::new_with_constructor(NETWORK),
            refreshes: Family::new_with_constructor(NETWORK),
            refreshes_joined: Family::default(),
            upstream: Family::new_with_constructor(NETWORK),
            upstream_retries: Family::default(),
            sessions: Family::new_with_constructor(SESSION),
            store: Family::new_with_constructor(STORE),
            broker_tokens: Family::default(),
            broker_refusals: Family::default(),
            broker_decisions: Family::default(),
            broker_reuses: Family::default(),
            clients_registered: Counter::default(),
            documents: Family::default(),
            ready: Family::default(),
        };
        // A type of `OpenMetrics` for this is unknown to the older format.
        let build: Family<VersionLabels, Gauge> = Family::default();
        build.get_or_create(&VersionLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("toolgate_build_info", "The version of toolgate", build);
        histograms! { registry, families:
            operations = "mcp_server_operation_duration", "Requests of the protocol, from their receipt to their result";
            sessions = "mcp_server_session_duration", "Sessions, from their begin to their end by the client or with the connection";
            code_exchanges = "toolgate_oauth_code_exchange_duration", "Exchanges of codes for tokens at providers and authorization servers";
            refreshes = "toolgate_grant_refresh_duration", "Refreshes of access tokens, and exchanges of callers' tokens";
            upstream = "toolgate_upstream_request_duration", "Requests to the APIs of providers, up to the head of the response";
            store = "toolgate_store_operation_duration", "Uses of the store of grants";
        }
        counters! { registry, families:
            calls = "toolgate_tool_calls", "Calls of the server's own tools";
            token_refusals = "toolgate_gate_token_refusals", "Access tokens that were refused or missing, by the check that failed";
            request_refusals = "toolgate_gate_request_refusals", "Requests that were refused whatever their token";
            step_ups = "toolgate_gate_step_ups", "Calls that lacked scopes, by what was done about it";
            consents_asked = "toolgate_consent_asked", "Calls that asked their person to connect an account or to add scopes";
            consents_ended = "toolgate_consent_ended", "Consents that ended, with a grant where there is no failure";
            callbacks = "toolgate_oauth_callbacks", "Browsers that came back from an authorization server";
            refreshes_joined = "toolgate_grant_refreshes_joined", "Calls that waited for a refresh of another call";
            upstream_retries = "toolgate_upstream_repeated", "Requests to the APIs of providers that were sent again, or elsewhere";
            broker_tokens = "toolgate_broker_tokens_issued", "Tokens that the broker issued";
            broker_refusals = "toolgate_broker_refusals", "Requests that the broker refused, by the code of the error";
            broker_decisions = "toolgate_broker_consents", "What people decided on the broker's page";
            broker_reuses = "toolgate_broker_token_reuses", "Codes and refresh tokens of the broker that were used again";
            clients_registered = "toolgate_broker_clients_registered", "Clients that registered themselves with the broker";
            documents = "toolgate_broker_documents_fetched", "Fetches of metadata documents of the broker's clients";
        }
        let help = "Whether a check of readiness passed, as of the scrape";
        registry.register("toolgate_ready", help, families.ready.clone());
        families
    }

    pub(super) fn token_refused(&self, check: TokenCheck) {
        self.token_refusals.get_or_create(&CheckLabels { check: Label(check) }).inc();
    }

    pub(super) fn request_refused(&self, reason: RequestRefusal) {
        self.request_refusals.get_or_create(&RefusalLabels { reason: Label(reason) }).inc();
    }

    pub(super) fn step_up(&self, outcome: StepUpOutcome) {
        self.step_ups.get_or_create(&StepUpLabels { outcome: Label(outcome) }).inc();
    }

    pub(super) fn callback(&self, flow: Flow, outcome: CallbackOutcome) {
        let labels = CallbackLabels { flow: Label(flow), outcome: Label(outcome) };
        self.callbacks.get_or_create(&labels).inc();
    }

    pub(super) fn code_exchanged(&self, flow: Flow, outcome: TokenOutcome, took: Elapsed) {
        let labels = CodeExchangeLabels { flow: Label(flow), outcome: Label(outcome) };
        observe(&self.code_exchanges, labels, took);
    }

    pub(super) fn refreshed(
        &self,
        provider: &'static str,
        result: Result<RefreshOutcome, RefreshFailure>,
        took: Elapsed,
    ) {
        let outcome = match result {
            Ok(outcome) => RefreshEnd::Done(Label(outcome)),
            Err(failure) => RefreshEnd::Failed(Label(failure)),
        };
        observe(&self.refreshes, RefreshLabels { provider, outcome }, took);
    }

    pub(super) fn upstream(
        &self,
        provider: &'static str,
        (status, failure): (Option<u16>, Option<UpstreamFailure>),
        took: Elapsed,
    ) {
        let outcome = upstream_outcome(status, failure);
        observe(&self.upstream, UpstreamLabels { provider, outcome }, took);
    }

    pub(super) fn upstream_repeated(&self, provider: &'static str, cause: UpstreamAttempt) {
        let labels = UpstreamRetryLabels { provider, cause: Label(cause) };
        self.upstream_retries.get_or_create(&labels).inc();
    }

    pub(super) fn session_ended(&self, transport: SessionTransport, lasted: Elapsed) {
        observe(&self.sessions, SessionLabels { transport: Label(transport) }, lasted);
    }

    pub(super) fn store_used(
        &self,
        operation: StoreOperation,
        outcome: StoreOutcome,
        took: Elapsed,
    ) {
        let labels = StoreLabels { operation: Label(operation), outcome: Label(outcome) };
        observe(&self.store, labels, took);
    }

    pub(super) fn tokens_issued(&self, grant_type: GrantType) {
        let labels = GrantTypeLabels { grant_type: Label(grant_type) };
        self.broker_tokens.get_or_create(&labels).inc();
    }

    pub(super) fn refused_by_broker(&self, labels: BrokerRefusalLabels) {
        self.broker_refusals.get_or_create(&labels).inc();
    }

    pub(super) fn broker_decided(&self, decision: Decision) {
        let labels = DecisionLabels { decision: Label(decision) };
        self.broker_decisions.get_or_create(&labels).inc();
    }

    pub(super) fn token_reused(&self, outcome: ReuseOutcome) {
        self.broker_reuses.get_or_create(&ReuseLabels { outcome: Label(outcome) }).inc();
    }

    pub(super) fn document_fetched(&self, outcome: DocumentOutcome) {
        self.documents.get_or_create(&DocumentLabels { outcome: Label(outcome) }).inc();
    }
}

/// Adds a duration to a histogram.
fn observe<L>(family: &Histograms<L>, labels: L, took: Elapsed)
where
    L: Clone + std::hash::Hash + Eq,
{
    family.get_or_create(&labels).observe(took.as_duration().as_secs_f64());
}
