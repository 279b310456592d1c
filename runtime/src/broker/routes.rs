//! The routes of the broker.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, Method, Uri, header};
use tower_http::cors::{Any, CorsLayer};

use super::{endpoint, state::Broker, step_up};
use crate::browser::{CALLBACK_PATH, page};

/// Where the metadata is (RFC 8414 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

impl Broker {
    /// Returns the routes, at the path of the public URL: metadata below `/.well-known`, the rest
    /// below `/oauth`. `/callback/{provider}` is not among them: a server has it for other consents
    /// too, and passes requests to [`Broker::callback`] first.
    ///
    /// Serve them with `into_make_service_with_connect_info::<SocketAddr>()`, or with a layer that
    /// sets [`PeerAddress`](super::PeerAddress): requests are limited by address.
    pub fn router(&self) -> Router {
        self.routes(&self.0.prefix)
    }

    /// The routes without the path of the public URL, which the router of a server adds to all of its
    /// routes. The metadata is also found where its place is by RFC 8414 §3.1, outside of that path.
    pub(crate) fn router_below_root(&self) -> Router {
        self.routes("")
    }

    fn routes(&self, prefix: &str) -> Router {
        let path = |name: &str| format!("{prefix}/oauth/{name}");
        let mut open = Router::new();
        // Some clients look at the root, or add a slash.
        let root = if self.0.prefix.is_empty() { "" } else { WELL_KNOWN };
        for place in [root.to_owned(), format!("{WELL_KNOWN}{}", self.0.prefix)] {
            if !place.is_empty() {
                let document = get(endpoint::metadata::document);
                open = open.route(&place, document.clone()).route(&format!("{place}/"), document);
            }
        }
        let mut open = open
            .route(&path("jwks"), get(endpoint::metadata::jwks))
            .route(&path("token"), post(endpoint::token::issue_tokens))
            .route(&path("register"), post(endpoint::register::register_client))
            .route(&path("revoke"), post(endpoint::revoke::revoke_token));
        if self.0.browser_clients {
            let cors = CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::POST])
                .allow_headers([
                    header::AUTHORIZATION,
                    header::CONTENT_TYPE,
                    http::HeaderName::from_static("mcp-protocol-version"),
                ]);
            open = open.layer(cors);
        }
        Router::new()
            .route(&path("authorize"), get(endpoint::authorize::authorize))
            .route(&path("consent"), post(endpoint::consent::decide))
            .route(
                &path("step-up/{link}"),
                get(step_up::endpoint::open).post(step_up::endpoint::decide),
            )
            .route(&path("style.css"), get(async || page::stylesheet()))
            .merge(open)
            .with_state(self.clone())
    }

    /// Returns the routes with `/callback/{provider}`, for a broker in a server without tools.
    pub fn standalone_router(&self) -> Router {
        let provider = self.0.oauth.registration.id;
        let callback = format!("{}{CALLBACK_PATH}/{provider}", self.0.prefix);
        let routes = Router::new().route(&callback, get(handle_callback)).with_state(self.clone());
        self.router().merge(routes)
    }
}

async fn handle_callback(State(broker): State<Broker>, uri: Uri, headers: HeaderMap) -> Response {
    match broker.callback(&uri, &headers).await {
        Some(response) => response,
        None => broker.too_late(),
    }
}
