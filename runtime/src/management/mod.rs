//! Management of a running server: a listener of its own, for probes and for Prometheus.
//!
//! Its routes are on no other listener. They show states, counts and durations, and no secret.

mod listener;
mod readiness;
mod routes;

#[cfg(feature = "metrics")]
pub(crate) use self::routes::MetricsText;
pub(crate) use self::{
    listener::serve,
    readiness::{Check, CheckFailure, Readiness},
    routes::Management,
};
