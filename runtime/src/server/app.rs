//! Built servers, before they listen.

use std::{sync::Arc, time::Duration};

use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    describe::{Description, ToolDescription},
    transports::Transports,
};
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::browser::sign_in::SignInAuth;
use crate::http::SessionKeys;
use crate::mcp::{dispatch::Dispatch, fallback::ErasedHandler, handler::Handler};
use crate::support::forwarded::TrustedProxies;

/// How long the calls under way may take to end after shutdown began.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A built server, to turn into a router, a service or an rmcp handler.
pub struct App<H> {
    pub(crate) assembled: Assembled,
    fallback: Arc<H>,
}

/// A built server without the type of its fallback handler.
pub(crate) struct Assembled {
    pub(crate) handler: Handler<ErasedHandler>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) sign_in: Option<SignInAuth>,
    pub(crate) has_landing_page: bool,
    /// The server's URL.
    pub(crate) base: Url,
    pub(crate) proxies: TrustedProxies,
    pub(crate) session_keys: SessionKeys,
    pub(crate) transports: Transports,
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
            sign_in: None,
            has_landing_page: true,
            base,
            proxies: TrustedProxies::default(),
            session_keys,
            transports: Transports::default(),
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

    /// Waits for the calls under way, at most [`DRAIN_TIMEOUT`], and then ends all streams.
    pub(crate) async fn drain(&self) {
        let running = &self.handler.dispatch.running;
        running.close();
        let grants = &self.handler.dispatch.grants;
        let ended = async {
            running.wait().await;
            // Token refreshes run in tasks of their own, and their results must be stored.
            grants.settled().await;
        };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, ended).await;
        self.shutdown.cancel();
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
