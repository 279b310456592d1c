//! The drain: what happens between a signal to end and the end of the process.

use std::time::Duration;

use rmcp::ServerHandler;

use super::{app::Assembled, builder::Server, notify, signals::Signals};
use crate::{env, error::ConfigError, http::DrainPhase, support::escape::escape};

const DELAY: &str = "TOOLGATE_DRAIN_DELAY";
const TIMEOUT: &str = "TOOLGATE_DRAIN_TIMEOUT";

/// The longest that either part of a drain may take.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(3600);

impl<H: ServerHandler> Server<H> {
    /// Sets for how long the server goes on to accept connections after a signal to end, so that a load
    /// balancer sees that it is not ready, and sends it no more. The default is zero.
    ///
    /// In this time everything is answered, and the responses over HTTP/1.1 say that their connections
    /// end. `TOOLGATE_DRAIN_DELAY` overrides it.
    #[must_use]
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_limits.delay = delay.min(MAX_DRAIN_TIME);
        self
    }

    /// Sets how long calls under way may take to end, once no connection is accepted. The default is
    /// 10 seconds. `TOOLGATE_DRAIN_TIMEOUT` overrides it.
    ///
    /// A refresh of a token that is under way then is waited for, because the provider may have spent
    /// the refresh token: at most the [`timeout`](crate::grant::RefreshPolicy::timeout) of a refresh.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_limits.timeout = timeout.min(MAX_DRAIN_TIME);
        self
    }
}

impl<H> Server<H> {
    /// Applies the settings of the environment, if there are any.
    pub(super) fn replace_drain_limits(mut self) -> Result<Self, ConfigError> {
        let limits = &mut self.drain_limits;
        for (name, limit) in [(DELAY, &mut limits.delay), (TIMEOUT, &mut limits.timeout)] {
            let Some(text) = env::var(name) else { continue };
            let seconds = text.trim().parse().map(Duration::from_secs);
            *limit = seconds.ok().filter(|time| *time <= MAX_DRAIN_TIME).ok_or_else(|| {
                let problem = format!("invalid value `{}` for `{name}`", escape(&text));
                ConfigError::new(problem).help("it is a number of seconds, at most 3600")
            })?;
        }
        Ok(self)
    }
}

impl Assembled {
    /// Drains the server after the first signal, or when `lost` completes, because the supervisor that
    /// would end this program is gone. A second signal ends the process.
    pub(super) async fn drain_at_signal(&self, lost: impl Future<Output = ()>) {
        let mut signals = Signals::take();
        let delay = tokio::select! {
            _ = signals.next() => self.drain_limits.delay,
            () = lost => Duration::ZERO,
        };
        let (wait, timeout) = (delay.as_secs(), self.drain_limits.timeout.as_secs());
        tracing::info!(target: "toolgate::server", "the server ends: for {wait} seconds it says that it is not ready, and then calls under way have {timeout} seconds");
        let draining = async {
            self.drain.advance(DrainPhase::NotReady);
            notify::stopping();
            tokio::time::sleep(delay).await;
            self.drain.advance(DrainPhase::Ending);
            self.end_calls().await;
            // For as long as the process lives, a second signal ends it.
            std::future::pending::<()>().await;
        };
        tokio::join!(draining, signals.end_at_next());
    }
}
