//! The router: the endpoint, the metadata of its resource, and the pages of consent and sign-in.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http::{StatusCode, Uri, header};
use tower_http::timeout::TimeoutLayer;

use super::{
    cors,
    endpoint::Endpoint,
    forwarding,
    forwarding::Forwarding,
    landing::{LandingPage, ROOT_PATH},
    loopback_only,
    path::PATH,
    peer::Peer,
};
use crate::gate::{self, resource_server::ResourceServer};

/// How long a page may take, its form included. The slowest one waits for a provider's token.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// The route of the page for people at the root, and at the path of the server's URL with a slash at
/// its end, which nested routers do not match.
pub(crate) fn landing_page(page: Arc<LandingPage>, root: &str) -> Router {
    let show = async |State(page): State<Arc<LandingPage>>, request: Request| {
        page.respond(&request.into_parts().0).await
    };
    let mut router = Router::new().route(ROOT_PATH, get(show));
    if !root.is_empty() {
        router = router.route(&format!("{root}/"), get(show));
    }
    router.with_state(page)
}

/// Routes requests to the endpoint, to those of other transports and to `pages`.
pub(crate) fn router(
    endpoint: &Arc<Endpoint>,
    (transports, pages): (Router, Router),
    is_local: bool,
    forwarding: Option<&Arc<Forwarding>>,
) -> Router {
    let gate = endpoint.handler.dispatch.resource_server.clone();
    let mut router = Router::new()
        .route(PATH, any(respond))
        .route(&format!("{PATH}/"), any(respond))
        .with_state(Arc::clone(endpoint))
        .merge(transports);
    if let Some(cors) = gate.as_ref().and_then(|gate| cors::layer(gate)) {
        router = router.layer(cors);
    }
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PAGE_TIMEOUT);
    router = router.merge(pages.layer(timeout));
    if let Some(gate) = gate {
        router = router.merge(resource_metadata(gate));
    }
    if is_local {
        router = router.layer(middleware::from_fn(loopback_only::middleware));
    }
    match forwarding {
        Some(forwarding) => router
            .layer(middleware::from_fn_with_state(Arc::clone(forwarding), forwarding::middleware)),
        None => router,
    }
}

async fn respond(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let peer = Peer::from_extensions(&parts.extensions);
    endpoint.respond(&mut parts, body, peer).await
}

/// The protected resource's metadata, at the resource's path and at the root (RFC 9728 §3.1).
fn resource_metadata(gate: Arc<ResourceServer>) -> Router {
    let metadata =
        async |State(gate): State<Arc<ResourceServer>>, uri: Uri| match gate.metadata(uri.path()) {
            Some(document) => {
                let headers = [
                    // Clients in a page read it before they have any credentials.
                    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
                    (header::CONTENT_TYPE, "application/json"),
                ];
                (headers, document).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        };
    Router::new()
        .route(gate::WELL_KNOWN, get(metadata))
        .route(&format!("{}/", gate::WELL_KNOWN), get(metadata))
        .route(&format!("{}/{{*resource}}", gate::WELL_KNOWN), get(metadata))
        .with_state(gate)
}
