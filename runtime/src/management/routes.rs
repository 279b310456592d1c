//! Routes of the management listener.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::readiness::{Checked, Readiness, is_ready, json};

/// The metrics of a server, as text.
pub(crate) trait MetricsText: Send + Sync {
    /// Takes in the results of the checks, each with its name.
    fn set_ready(&self, checks: &[(&'static str, bool)]);

    /// The content type and the text, for a client with this `Accept`.
    fn render(&self, accept: &str) -> (&'static str, String);
}

/// What the routes show.
pub(crate) struct Management {
    pub(crate) readiness: Readiness,
    /// `None`: the program is built without metrics.
    pub(crate) metrics: Option<Arc<dyn MetricsText>>,
}

/// The routes. There are no others, and no other method than `GET` and `HEAD`.
pub(super) fn router(management: Arc<Management>) -> Router {
    Router::new()
        .route("/healthz", get(async || plain(StatusCode::OK, "ok\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || {
            plain(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n")
        })
        .with_state(management)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    uncached(status, "text/plain; charset=utf-8", text.to_owned())
}

fn uncached(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text).into_response()
}

async fn ready(State(management): State<Arc<Management>>) -> Response {
    let checked = management.readiness.report().await;
    let status = if is_ready(&checked) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    uncached(status, "application/json", json(&checked))
}

async fn metrics(State(management): State<Arc<Management>>, headers: HeaderMap) -> Response {
    let Some(metrics) = &management.metrics else {
        let text = "this program is built without the feature `metrics` of toolgate\n";
        return plain(StatusCode::NOT_FOUND, text);
    };
    let checked = management.readiness.report().await;
    let passed = |check: &Checked| (check.name, check.result.is_ok());
    metrics.set_ready(&checked.iter().map(passed).collect::<Vec<_>>());
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let (content_type, text) = metrics.render(accept.unwrap_or_default());
    uncached(StatusCode::OK, content_type, text)
}
