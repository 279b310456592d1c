//! OpenTelemetry: spans and metrics of a server, sent to a collector by OTLP over HTTP.

mod client;
mod instruments;
mod spans;

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{BatchSpanProcessor, SpanProcessor as _},
};

use self::{client::CollectorClient, instruments::Instruments};
use crate::{
    error::ConfigError,
    trace::{Event, Observer},
};

/// The variables that name a collector.
const ENDPOINTS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// How long the collector may take to get what is left when the server ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends what a server does to a collector of OpenTelemetry, as OTLP in protobuf over HTTP. Clones
/// share it.
///
/// [`Server::serve`](crate::Server::serve) adds one by itself where `OTEL_EXPORTER_OTLP_ENDPOINT` is
/// set. It and the other variables of OpenTelemetry's SDK have the meaning that its specification
/// gives them: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_SERVICE_NAME`,
/// `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_METRIC_EXPORT_INTERVAL`. An
/// application with a listener of its own adds it as an observer:
///
/// ```no_run
/// use toolgate::telemetry::OpenTelemetry;
///
/// # async fn build() -> Result<(), toolgate::ConfigError> {
/// let telemetry = OpenTelemetry::from_env("orders")?;
/// let app = toolgate::server!().observe(telemetry.clone()).build().await?;
/// // ..
/// telemetry.shutdown().await;
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// # Spans
///
/// | span | kind | parent |
/// |---|---|---|
/// | `tools/call NAME`, `tools/list`, .. | server | the client's, of `traceparent` in `_meta`; that of the HTTP request is a link |
/// | `GET`, `POST`, .. | client | the call: a request to a provider's API |
/// | `toolgate.grant.refresh` | internal | the call that began it |
/// | `toolgate.consent` | internal | the call that asked first, at whichever process it ends |
/// | `toolgate.oauth.code_exchange` | client | the consent |
/// | `toolgate.store.load_grant`, .. | internal | the call, the refresh or the consent that the store was used for |
///
/// Attributes are those of the conventions for MCP and HTTP, and `toolgate.*`. None of them has an
/// argument, a result, a person or a path with its values.
///
/// # Propagation
///
/// Requests to the APIs of providers carry `traceparent`, and the `tracestate` and `baggage` of the
/// client, if they are well-formed and not too long. Requests to token endpoints do not.
#[derive(Clone)]
pub struct OpenTelemetry(Arc<Pipeline>);

struct Pipeline {
    spans: BatchSpanProcessor,
    scope: InstrumentationScope,
    meters: SdkMeterProvider,
    instruments: Instruments,
}

impl OpenTelemetry {
    /// Creates what the environment of the process describes, for the server `name`. To be called in
    /// a runtime of tokio.
    ///
    /// # Errors
    ///
    /// The endpoint or a header is malformed.
    pub fn from_env(name: impl Into<String>) -> Result<Self, ConfigError> {
        let fault = |error: &dyn fmt::Display| {
            ConfigError::new(format!("OpenTelemetry cannot be set up: {error}"))
                .help("such as `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`")
        };
        let client = CollectorClient::new().map_err(|error| fault(&error))?;
        let spans = SpanExporter::builder().with_http().with_http_client(client.clone());
        let spans = spans.build().map_err(|error| fault(&error))?;
        let metrics = MetricExporter::builder().with_http().with_http_client(client);
        let metrics = metrics.build().map_err(|error| fault(&error))?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none_or(|name| name.is_empty()) {
            resource = resource.with_attribute(KeyValue::new("service.name", name.into()));
        }
        let resource = resource.build();
        let mut spans = BatchSpanProcessor::builder(spans).build();
        spans.set_resource(&resource);
        let meters = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_periodic_exporter(metrics)
            .build();
        let scope = InstrumentationScope::builder("toolgate")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let instruments = Instruments::new(&meters, scope.clone());
        Ok(Self(Arc::new(Pipeline { spans, scope, meters, instruments })))
    }

    /// Creates it if a variable names a collector.
    pub(crate) fn if_configured(name: &str) -> Result<Option<Self>, ConfigError> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|off| off == "true");
        let is_wanted = !is_off && ENDPOINTS.iter().any(|name| is_set(name));
        is_wanted.then(|| Self::from_env(name)).transpose()
    }

    /// Sends what has not been sent, for a few seconds at most. Later events are not sent.
    pub async fn shutdown(&self) {
        let pipeline = Arc::clone(&self.0);
        // It waits for threads that send in this runtime.
        let ended = tokio::task::spawn_blocking(move || {
            let _ = pipeline.spans.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
            let _ = pipeline.meters.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        });
        let _ = ended.await;
    }
}

impl fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").finish_non_exhaustive()
    }
}

impl Observer for OpenTelemetry {
    fn on_event(&self, event: &Event<'_>) {
        self.0.instruments.record(&event.kind);
        if let Some(context) = event.trace.filter(|context| context.is_sampled())
            && let Some(span) = spans::of(event, context, &self.0.scope)
        {
            // Without room in its queue the span is dropped and counted.
            self.0.spans.on_end(span);
        }
    }

    fn wants_trace_context(&self) -> bool {
        true
    }
}
