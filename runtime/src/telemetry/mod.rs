//! Telemetry: what the events of [`trace`](crate::trace) become for those who watch many servers.
//!
//! `Metrics` (feature `metrics`) counts and measures for Prometheus, and `OpenTelemetry` (feature
//! `opentelemetry`) sends spans and metrics to a collector. Both are observers, like every other: they
//! get what the server decided and did, and nothing else. So no label has a person, a value of an
//! argument or a text of a client, and their number is bounded by the program: the tools and providers
//! that it declares, and closed sets.

#[cfg(feature = "metrics")]
mod metrics;
mod names;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;

#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
#[cfg(feature = "opentelemetry")]
pub use self::opentelemetry::OpenTelemetry;
