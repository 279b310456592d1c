//! Dispatch of a stand-in: from a URL of the provider to the endpoint.

use axum::response::Response;
use http::Method;

use super::{
    api, authorize,
    engine::{Engine, Incoming},
    revoke, token, url_pattern,
};

/// Answers a request to one of the provider's URLs.
pub(super) async fn answer(engine: &Engine, request: &Incoming) -> Response {
    engine.faults.delay().await;
    let profile = engine.profile;
    let is_at = |url: &str| url_pattern::matches(url, &request.path);
    if request.method == Method::GET && is_at(profile.authorize) {
        return authorize::ask(engine, request);
    }
    let takes_codes = is_at(profile.token);
    let refreshes = is_at(profile.refresh_url.unwrap_or(profile.token));
    if request.method == Method::POST && (takes_codes || refreshes) {
        return token::answer(engine, request, takes_codes, refreshes);
    }
    match &profile.revocation {
        Some(way) if way.method == request.method.as_str() && is_at(way.url) => {
            revoke::answer(engine, way, request)
        }
        _ => api::answer(engine, request),
    }
}
