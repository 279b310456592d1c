//! A server that is built, and not yet listening.

use std::{sync::Arc, time::Duration};

use axum::Router;
use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;

use super::{
    describe::{Description, ToolDescription},
    dispatch::Dispatch,
    front::Front,
    handler::Handler,
    http::{self, Endpoint},
    sign_in::BySignIn,
};
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::consent::Consents;

/// How long the calls under way may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// A server that is built: as a router, as an rmcp handler, as a description.
pub struct App<H> {
    handler: Handler<H>,
    consents: Consents,
    ended: CancellationToken,
    pub(super) sign_in: Option<BySignIn>,
    #[cfg(feature = "broker")]
    pub(super) broker: Option<Broker>,
    #[cfg(feature = "dev")]
    pub(super) login: Option<crate::dev::Login>,
}

impl<H: ServerHandler> App<H> {
    pub(super) fn new(dispatch: Dispatch, beside: H, consents: Consents) -> Self {
        let handler = Handler { dispatch: Arc::new(dispatch), beside: Arc::new(beside) };
        Self {
            handler,
            consents,
            ended: CancellationToken::new(),
            sign_in: None,
            #[cfg(feature = "broker")]
            broker: None,
            #[cfg(feature = "dev")]
            login: None,
        }
    }

    /// The routes `/mcp`, `/connect/..`, `/callback/..` and `/accounts`, where people see what is
    /// connected and disconnect it, to merge into a router of yours.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: as long as callers are
    /// not verified, it answers only to peers on this machine, and to nobody if it cannot see who
    /// asks.
    pub fn into_router(self) -> Router {
        self.front().into_router()
    }

    /// The same as a service, for a listener of your own: faster than a router, with nothing beside
    /// it. Peers are seen as by [`App::into_router`].
    pub fn into_service(self) -> Front<H> {
        self.front()
    }

    pub(super) fn front(&self) -> Front<H> {
        let mut pages = self.consents.router();
        if let Some(sign_in) = &self.sign_in {
            pages = pages.merge(sign_in.router(self.consents.clone()));
        }
        #[cfg(feature = "broker")]
        if let Some(broker) = &self.broker {
            pages = super::brokered::mount(pages, broker);
        }
        #[cfg(feature = "dev")]
        if let Some(login) = &self.login {
            pages = pages.merge(login.router());
        }
        let admission = self.handler.dispatch.admission.as_ref();
        let cors = admission.and_then(|admission| admission.cors());
        #[cfg(feature = "dev")]
        let local = admission.is_none() || self.login.is_some();
        #[cfg(not(feature = "dev"))]
        let local = admission.is_none();
        let with_cors = cors.is_some();
        let endpoint = Arc::new(Endpoint::new(&self.handler, self.ended.clone()));
        let router = http::router(&endpoint, pages, cors, local);
        Front::new(endpoint, router, (with_cors, local))
    }

    /// The handler, for a transport of your own. Everyone who reaches it is the local person.
    pub fn handler(&self) -> Handler<H> {
        self.handler.clone()
    }

    /// Every tool with its scopes.
    pub fn describe(&self) -> Description {
        let dispatch = &self.handler.dispatch;
        Description {
            name: dispatch.identity.name.clone(),
            version: dispatch.identity.version.clone(),
            tools: dispatch.tools.iter().map(|tool| ToolDescription::of(&tool.built)).collect(),
        }
    }

    /// Waits for the calls under way, a while, and then ends the streams that never end.
    pub(super) async fn drain(&self) {
        let running = &self.handler.dispatch.running;
        running.close();
        let grants = &self.handler.dispatch.grants;
        let ended = async {
            running.wait().await;
            // A token that is being renewed is not lost.
            grants.settled().await;
        };
        let _ = tokio::time::timeout(GRACE, ended).await;
        self.ended.cancel();
    }
}

impl<H> std::fmt::Debug for App<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("handler", &self.handler).finish_non_exhaustive()
    }
}
