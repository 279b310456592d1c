//! The management listener of a server: what its checks examine, and its life.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rmcp::ServerHandler;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{app::Assembled, builder::Server};
use crate::{
    error::ConfigError,
    grant::GrantKey,
    management::{Check, CheckFailure, Management, Readiness, serve},
    support::background,
};
#[cfg(feature = "metrics")]
use crate::{management::MetricsText, telemetry::Metrics};

/// How long a program in development waits before it tries again to listen.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// The grant that is looked for to see whether the store answers. No provider has this name.
const PROBE: &str = "toolgate readiness";

impl<H: ServerHandler> Server<H> {
    /// Sets the address of the management listener, which [`serve`](Self::serve) and
    /// [`serve_http`](Self::serve_http) open in addition to that of the server. There is none by
    /// default; `--management ADDRESS` and `TOOLGATE_MANAGEMENT` override it.
    ///
    /// | path | what it says |
    /// |---|---|
    /// | `/healthz` | 200 as long as the process answers |
    /// | `/readyz` | 200 if the store answers, its schema is current, the issuer's keys are there and the server is not shutting down, and 503 otherwise; JSON with a line for each check |
    /// | `/metrics` | metrics for Prometheus, with the feature `metrics` |
    ///
    /// Checks have two seconds each, and their results are used for a second, so that probes do not
    /// load the database. A server over standard input and output has no such listener: it is a process
    /// of one client, which notices by itself when the process ends.
    ///
    /// # Security
    ///
    /// Its routes are on no other listener, and need no token: let the address be one that only
    /// probes and Prometheus reach. They show no secret and no person, but the names of tools and
    /// providers, and how often they are used.
    #[must_use]
    pub fn management(mut self, address: SocketAddr) -> Self {
        self.management = Some(address);
        self
    }

    /// Sets where metrics are counted, for an application that shows them itself. A server with a
    /// [management listener](Self::management) has its own without this.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }
}

impl<H> Server<H> {
    /// Sets the management listener that the command line names, if it names one.
    pub(crate) fn replace_management(mut self, address: Option<SocketAddr>) -> Self {
        self.management = address.or(self.management);
        self
    }

    /// Adds the metrics to the observers, if there are any or a listener shows them.
    #[cfg(feature = "metrics")]
    pub(super) fn observe_metrics(&mut self) -> Option<Metrics> {
        let metrics = self.metrics.take();
        let metrics = metrics.or_else(|| self.management.map(|_| Metrics::new()))?;
        metrics.set_providers(self.providers.iter().map(|provider| provider.id));
        self.observers.push(Arc::new(metrics.clone()));
        Some(metrics)
    }
}

/// A management listener, which ends when this is dropped.
pub(super) struct RunningManagement(JoinHandle<()>);

impl Drop for RunningManagement {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Assembled {
    /// Begins to answer on the management listener, if the server has one. `is_replacing`: another
    /// program, whose place this one takes, may still have the address.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub(super) async fn manage(
        self: &Arc<Self>,
        is_replacing: bool,
    ) -> Result<Option<RunningManagement>, ConfigError> {
        let Some(address) = self.management else { return Ok(None) };
        let management = Arc::new(self.management_routes());
        if is_replacing {
            let serving = async move {
                loop {
                    match TcpListener::bind(address).await {
                        Ok(listener) => return serve(listener, management).await,
                        Err(_) => tokio::time::sleep(RETRY_INTERVAL).await,
                    }
                }
            };
            return Ok(Some(RunningManagement(background::spawn(serving))));
        }
        let listener = TcpListener::bind(address).await.map_err(|error| {
            ConfigError::new(format!("{address} cannot be listened on for management: {error}"))
                .help("`--management 127.0.0.1:0` takes a free port, which the log names")
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(target: "toolgate::management", %address, "the management listener has /healthz, /readyz and /metrics");
        }
        Ok(Some(RunningManagement(background::spawn(serve(listener, management)))))
    }

    fn management_routes(self: &Arc<Self>) -> Management {
        let dispatch = &self.handler.dispatch;
        let mut checks = Vec::new();
        let store = Arc::clone(dispatch.grants.store());
        checks.push(Check::new("store", move || {
            let store = Arc::clone(&store);
            async move {
                let found = store.load(&GrantKey::new(PROBE, PROBE)).await;
                found.map(drop).map_err(|_| CheckFailure("it cannot be read"))
            }
        }));
        let store = Arc::clone(dispatch.grants.store());
        checks.push(Check::new("migrations", move || {
            let store = Arc::clone(&store);
            async move {
                match store.is_migrated().await {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(CheckFailure("the schema is older than this program")),
                    Err(_) => Err(CheckFailure("the schema cannot be read")),
                }
            }
        }));
        if let Some(gate) = dispatch.resource_server.clone() {
            checks.push(Check::new("issuer_keys", move || {
                let gate = Arc::clone(&gate);
                async move {
                    let prepared = gate.prepare().await;
                    prepared.map_err(|_| CheckFailure("the keys of the issuer are not there"))
                }
            }));
        }
        let drain = Arc::clone(&self.drain);
        let is_draining = move || drain.is_draining();
        Management {
            readiness: Readiness::new(checks, is_draining),
            #[cfg(feature = "metrics")]
            metrics: self.metrics.clone().map(|metrics| Arc::new(metrics) as Arc<dyn MetricsText>),
            #[cfg(not(feature = "metrics"))]
            metrics: None,
        }
    }
}

#[cfg(feature = "metrics")]
impl MetricsText for Metrics {
    fn set_ready(&self, checks: &[(&'static str, bool)]) {
        Self::set_ready(self, checks);
    }

    fn render(&self, accept: &str) -> (&'static str, String) {
        Self::render(self, accept)
    }
}
