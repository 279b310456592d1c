//! The JSON API, guarded by scopes.

mod bearer;
mod issues;
mod listing;
mod repositories;

use axum::{
    Json, Router, middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use serde_json::json;

use crate::Forge;

pub(crate) fn router(forge: &Forge) -> Router<Forge> {
    Router::new()
        .route("/user", get(repositories::user))
        .route("/user/emails", get(repositories::emails))
        .route("/user/repos", get(repositories::list).post(repositories::create))
        .route("/repos/{owner}/{repo}", get(repositories::show).delete(repositories::delete))
        .route(
            "/repos/{owner}/{repo}/contents/{*path}",
            get(repositories::read).put(repositories::write),
        )
        .route("/repos/{owner}/{repo}/issues", get(issues::list).post(issues::open))
        .route("/repos/{owner}/{repo}/issues/{number}", get(issues::show).patch(issues::change))
        .route(
            "/repos/{owner}/{repo}/issues/{number}/comments",
            get(issues::comments).post(issues::comment),
        )
        .route("/redirect-away", get(repositories::redirect_away))
        .route("/echo/{*path}", get(repositories::echo))
        .fallback(|| async { missing() })
        .layer(middleware::from_fn_with_state(forge.clone(), bearer::check))
}

type Answer = Result<Response, Response>;

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({ "message": message, "documentation_url": "https://forge.example/docs" });
    (status, Json(body)).into_response()
}

/// What is not there, and what one may not know of.
fn missing() -> Response {
    error(StatusCode::NOT_FOUND, "Not Found")
}
