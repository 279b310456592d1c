//! A server that is built, over HTTP: as a router, or as a service.

use std::sync::Arc;

use axum::Router;
use rmcp::ServerHandler;

use super::app::{App, Assembled};
use crate::http::{cors, endpoint as http, endpoint::Endpoint, service::ToolgateService};

impl<H: ServerHandler> App<H> {
    /// The routes `/mcp`, `/connect/..`, `/callback/..` and `/accounts`, where people see what is
    /// connected and disconnect it, to merge into a router of yours.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: as long as callers are
    /// not verified, it answers only to peers on this machine, and to nobody if it cannot see who
    /// asks.
    pub fn into_router(self) -> Router {
        self.assembled.front().into_router()
    }

    /// The same as a service, for a listener of your own: faster than a router, with nothing beside
    /// it. Peers are seen as by [`App::into_router`].
    pub fn into_service(self) -> ToolgateService<H> {
        self.assembled.front().of()
    }
}

impl Assembled {
    pub(crate) fn front(&self) -> ToolgateService {
        let consents = &self.handler.dispatch.prompts.consents;
        let mut pages = consents.router();
        if let Some(sign_in) = &self.sign_in {
            pages = pages.merge(sign_in.router(consents.clone()));
        }
        #[cfg(feature = "broker")]
        if let Some(broker) = &self.broker {
            pages = super::broker_routes::mount(pages, broker);
        }
        #[cfg(feature = "dev")]
        if let Some(login) = &self.login {
            pages = pages.merge(login.router());
        }
        let admission = self.handler.dispatch.admission.as_ref();
        let cors = admission.and_then(|admission| cors::layer(admission));
        #[cfg(feature = "dev")]
        let local = admission.is_none() || self.login.is_some();
        #[cfg(not(feature = "dev"))]
        let local = admission.is_none();
        let with_cors = cors.is_some();
        let endpoint = Arc::new(Endpoint::new(&self.handler, self.ended.clone()));
        let router = http::router(&endpoint, pages, cors, local);
        ToolgateService::new(endpoint, router, (with_cors, local))
    }
}
