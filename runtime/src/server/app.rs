//! Built servers, before they listen.

use std::sync::Arc;

use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    describe::{Description, ToolDescription},
    dev_channel::identity::DevIdentity,
    drain_limits::DrainLimits,
    transports::Transports,
};
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::browser::sign_in::SignInAuth;
use crate::http::{Drain, SessionKeys};
use crate::mcp::{dispatch::Dispatch, fallback::ErasedHandler, handler::Handler};
use crate::oauth::UpstreamClient;
use crate::support::{forwarded::TrustedProxies, hand_over::NamedState};

/// A built server, to turn into a router, a service or an rmcp handler.
pub struct App<H> {
    pub(crate) assembled: Assembled,
    fallback: Arc<H>,
}

/// A built server without the type of its fallback handler.
pub(crate) struct Assembled {
    pub(crate) handler: Handler<ErasedHandler>,
    pub(crate) shutdown: CancellationToken,
    /// How far the end of the process has come: what readiness says.
    pub(crate) drain: Arc<Drain>,
    pub(crate) drain_limits: DrainLimits,
    pub(crate) sign_in: Option<SignInAuth>,
    pub(crate) has_landing_page: bool,
    /// The server's URL.
    pub(crate) base: Url,
    pub(crate) proxies: TrustedProxies,
    pub(crate) session_keys: SessionKeys,
    /// The providers at which people connect accounts.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "databases are administered")
    )]
    pub(crate) providers: Vec<UpstreamClient>,
    pub(crate) transports: Transports,
    /// What it has in common with the programs before it, under a supervisor.
    pub(crate) dev_identity: Option<Box<DevIdentity>>,
    /// Where the management listener is, if there is one.
    pub(crate) management: Option<std::net::SocketAddr>,
    #[cfg(feature = "metrics")]
    pub(crate) metrics: Option<crate::telemetry::Metrics>,
    /// What is in memory, and handed over to the program after it.
    pub(crate) states: Vec<NamedState>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<Broker>,
    #[cfg(feature = "dev")]
    pub(crate) login: Option<crate::dev::SignInPage>,
    #[cfg(feature = "dev")]
    pub(crate) stand_ins: Vec<crate::dev::stand_ins::StartedStandIn>,
    #[cfg(feature = "inspector")]
    pub(crate) inspector: Option<crate::inspector::Inspector>,
}

impl Assembled {
    pub(crate) fn new(
        dispatch: Dispatch,
        fallback: Arc<ErasedHandler>,
        base: Url,
        session_keys: SessionKeys,
    ) -> Self {
        let handler = Handler { dispatch: Arc::new(dispatch), fallback };
        Self {
            handler,
            shutdown: CancellationToken::new(),
            drain: Arc::default(),
            drain_limits: DrainLimits::default(),
            sign_in: None,
            has_landing_page: true,
            base,
            proxies: TrustedProxies::default(),
            session_keys,
            providers: Vec::new(),
            transports: Transports::default(),
            dev_identity: None,
            management: None,
            #[cfg(feature = "metrics")]
            metrics: None,
            states: Vec::new(),
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            login: None,
            #[cfg(feature = "dev")]
            stand_ins: Vec::new(),
            #[cfg(feature = "inspector")]
            inspector: None,
        }
    }

    pub(crate) fn describe(&self) -> Description {
        let dispatch = &self.handler.dispatch;
        Description {
            name: dispatch.identity.name.clone(),
            version: dispatch.identity.version.clone(),
            tools: dispatch
                .tools
                .iter()
                .map(|tool| ToolDescription::new(&tool.registered))
                .collect(),
        }
    }

    /// The URL of the endpoint, as clients know it.
    pub(crate) fn endpoint_url(&self) -> String {
        match &self.handler.dispatch.resource_server {
            Some(gate) => gate.resource().to_owned(),
            None => format!("{}/mcp", self.base.as_str().trim_end_matches('/')),
        }
    }

    /// Waits for the calls under way, as long as a drain may take, and then ends all streams.
    pub(crate) async fn end_calls(&self) {
        let running = &self.handler.dispatch.running;
        running.close();
        let _ = tokio::time::timeout(self.drain_limits.timeout, running.wait()).await;
        self.shutdown.cancel();
    }

    /// Waits until the tokens of all refreshes under way are stored. They run in tasks of their own, and
    /// one that is broken off may lose its grant, so each has the time that it takes at most. Then the
    /// last entries of the audit are written.
    pub(crate) async fn end_refreshes(&self) {
        let grants = &self.handler.dispatch.grants;
        let longest = grants.longest_renewal();
        if !grants.are_settled() {
            tracing::info!(target: "toolgate::server", "refreshes are under way, whose tokens have to be stored before the end");
        }
        if tokio::time::timeout(longest, grants.settled()).await.is_err() {
            tracing::warn!(target: "toolgate::server", "a refresh is broken off: it is not stored in time");
        }
        grants.audit().flush().await;
    }
}

impl<H: ServerHandler> App<H> {
    pub(crate) fn new(assembled: Assembled, fallback: Arc<H>) -> Self {
        Self { assembled, fallback }
    }

    /// Returns the handler, for another transport. Its callers are not verified: all of them act as
    /// the local user.
    pub fn handler(&self) -> Handler<H> {
        Handler {
            dispatch: Arc::clone(&self.assembled.handler.dispatch),
            fallback: Arc::clone(&self.fallback),
        }
    }

    /// Returns every tool with its scopes.
    pub fn describe(&self) -> Description {
        self.assembled.describe()
    }
}

impl<H> std::fmt::Debug for App<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("handler", &self.assembled.handler).finish_non_exhaustive()
    }
}
