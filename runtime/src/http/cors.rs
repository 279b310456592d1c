//! Cross-origin resource sharing: what pages of the allowed origins may send and read.

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

use super::headers;
use crate::gate::resource_server::ResourceServer;

/// The layer for `/mcp`; `None` if the operator allowed no origin.
pub(crate) fn layer(gate: &ResourceServer) -> Option<CorsLayer> {
    let origins = gate.allowed_origins().iter().map(|origin| HeaderValue::from_str(origin));
    let origins: Vec<_> = origins.filter_map(Result::ok).collect();
    if origins.is_empty() {
        return None;
    }
    let request_headers = [
        headers::VERSION.clone(),
        headers::METHOD.clone(),
        headers::NAME.clone(),
        headers::SESSION.clone(),
        headers::DPOP.clone(),
        HeaderName::from_static("last-event-id"),
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::ACCEPT,
    ];
    let response_headers =
        [headers::SESSION.clone(), HeaderName::from_static("dpop-nonce"), header::WWW_AUTHENTICATE];
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(request_headers)
        .expose_headers(response_headers);
    Some(layer)
}
