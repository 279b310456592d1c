//! Built servers over HTTP: as a router, or as a service.

use std::sync::Arc;

use axum::Router;
use rmcp::ServerHandler;

use super::app::{App, Assembled};
use crate::http::{self, Endpoint, ToolgateService};

impl<H: ServerHandler> App<H> {
    /// Returns the routes `/mcp`, `/connect/..`, `/callback/..` and `/accounts`, where users see and
    /// disconnect their accounts. Merge them into a router of your application.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without a gate the server
    /// only answers peers on this machine, and no one if it does not know the peer's address.
    pub fn into_router(self) -> Router {
        self.assembled.service().into_router()
    }

    /// Returns the same as a service, for a listener of your application. It is faster than a router.
    /// Peers are read as by [`App::into_router`].
    pub fn into_service(self) -> ToolgateService<H> {
        self.assembled.service().with_fallback_type()
    }
}

impl Assembled {
    pub(crate) fn service(&self) -> ToolgateService {
        let consents = &self.handler.dispatch.prompts.consents;
        let mut pages = consents.router();
        if let Some(sign_in) = &self.sign_in {
            let links = consents.clone();
            let is_link = move |id: &str| links.progress(id).is_some();
            pages = pages.merge(sign_in.router(is_link));
        }
        #[cfg(feature = "broker")]
        if let Some(broker) = &self.broker {
            pages = super::broker_routes::mount(pages, broker);
        }
        #[cfg(feature = "dev")]
        if let Some(login) = &self.login {
            pages = pages.merge(login.router());
        }
        let gate = self.handler.dispatch.resource_server.as_ref();
        let has_cors = gate.is_some_and(|gate| !gate.allowed_origins().is_empty());
        #[cfg(feature = "dev")]
        let is_local = gate.is_none() || self.login.is_some();
        #[cfg(not(feature = "dev"))]
        let is_local = gate.is_none();
        let endpoint = Arc::new(Endpoint::new(&self.handler, self.shutdown.clone()));
        let router = http::router(&endpoint, pages, is_local);
        ToolgateService::new(endpoint, router, (has_cors, is_local))
    }
}
