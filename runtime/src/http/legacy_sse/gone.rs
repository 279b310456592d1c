//! What the address of the old transport answers on a server without it.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::any,
};
use http::{StatusCode, header};

use super::SSE_PATH;

/// The route. `endpoint` is the URL of the endpoint.
pub(crate) fn routes(endpoint: &str) -> Router {
    Router::new()
        .route(SSE_PATH, any(respond))
        .route(&format!("{SSE_PATH}/"), any(respond))
        .with_state(Arc::<str>::from(endpoint))
}

async fn respond(State(endpoint): State<Arc<str>>) -> Response {
    let text = format!(
        "This server does not serve the transport of 2024-11-05, HTTP with server-sent events. Connect by streamable HTTP, to {endpoint}\n"
    );
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::GONE, headers, text).into_response()
}
