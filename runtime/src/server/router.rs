//! Built servers over HTTP: as a router, or as a service.

use std::sync::Arc;

use axum::Router;
use rmcp::ServerHandler;

use super::{
    app::{App, Assembled},
    mounted_transports::MountedTransports,
};
use crate::{
    browser::page::on_site,
    http::{self, Endpoint, LandingPage, ToolgateService},
};

impl<H: ServerHandler> App<H> {
    /// Returns the routes `/mcp`, `/connect/..`, `/callback/..` and `/accounts`, where users see and
    /// disconnect their accounts. Merge them into a router of your application.
    ///
    /// `/` is yours: the [page for people](crate::Server::landing_page) is only shown to browsers that
    /// open `/mcp`.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without a gate the server
    /// only answers peers on this machine, and no one if it does not know the peer's address.
    pub fn into_router(self) -> Router {
        self.assembled.service_at(Paths::Own).into_router()
    }

    /// Returns the same as a service, for a listener of your application, and with the page for people
    /// at `/`. It is faster than a router. Peers are read as by [`App::into_router`].
    pub fn into_service(self) -> ToolgateService<H> {
        self.assembled.service().with_fallback_type()
    }
}

/// The same routes below `root` as well: a proxy may remove the path before everything, or leave it.
fn below(root: &str, router: Router) -> Router {
    /// Where the server's own paths begin.
    const OWN: [&str; 13] = [
        "mcp",
        "ws",
        "sse",
        "messages",
        "oauth",
        "accounts",
        "connect",
        "connect.css",
        "callback",
        "sign-in",
        "signed-in",
        "dev",
        ".well-known",
    ];
    let first = root.split('/').nth(1).unwrap_or_default();
    match root {
        "" => router,
        // One path cannot be both.
        root if OWN.contains(&first) => Router::new().nest(root, router),
        root => Router::new().merge(router.clone()).nest(root, router),
    }
}

/// The paths that a service answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Paths {
    /// All paths of its listener.
    All,
    /// Paths among those of an application, which has its own `/`.
    Own,
}

impl Assembled {
    /// The service that answers all paths of a listener.
    pub(crate) fn service(&self) -> ToolgateService {
        self.service_at(Paths::All)
    }

    fn service_at(&self, paths: Paths) -> ToolgateService {
        let consents = &self.handler.dispatch.prompts.consents;
        let mut pages = consents.router();
        if let Some(sign_in) = &self.sign_in {
            let links = consents.clone();
            let is_link = move |id: String| {
                let links = links.clone();
                // While the store cannot be read, nobody is sent away to sign in.
                Box::pin(async move { matches!(links.progress(&id).await, Ok(Some(_))) }) as _
            };
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
        let root = self.base.path().trim_end_matches('/');
        let mut pages = on_site(consents.site(), root, pages);
        let landing_page = self
            .has_landing_page
            .then(|| Arc::new(LandingPage::new(Arc::clone(&self.handler.dispatch))));
        if let Some(page) = landing_page.clone().filter(|_| paths == Paths::All) {
            pages = pages.merge(http::landing_page(page, root));
        }
        let gate = self.handler.dispatch.resource_server.as_ref();
        let has_cors = gate.is_some_and(|gate| !gate.allowed_origins().is_empty());
        #[cfg(feature = "dev")]
        let is_local = gate.is_none() || self.login.is_some();
        #[cfg(not(feature = "dev"))]
        let is_local = gate.is_none();
        let lifetime = (self.session_keys.clone(), self.shutdown.clone());
        let endpoint = Endpoint::new(&self.handler, landing_page, lifetime);
        let endpoint = Arc::new(endpoint);
        let forwarding = http::Forwarding::new(self.proxies.clone(), self.base.clone());
        let transports = MountedTransports::new(self, &endpoint, paths == Paths::All);
        let served = (transports.routes.clone(), pages);
        let router = http::router(&endpoint, served, is_local, forwarding.as_ref());
        let router = below(root, router);
        #[cfg(feature = "inspector")]
        let router = match &self.inspector {
            Some(inspector) => router.merge(inspector.router()),
            None => router,
        };
        let service =
            ToolgateService::new(endpoint, router, (has_cors, is_local), (root, forwarding));
        transports.extend(service)
    }
}
