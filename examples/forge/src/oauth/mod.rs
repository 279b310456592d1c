//! The authorization server: OAuth 2.1, code and PKCE.

mod authorize;
mod scopes;
mod token;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};

pub(crate) use self::scopes::{Permission, permits, that_permit};
use crate::{Forge, page};

pub(crate) fn router() -> Router<Forge> {
    Router::new()
        .route("/oauth/authorize", get(authorize::start))
        .route("/login/oauth/authorize", get(authorize::start))
        .route("/login", post(authorize::login))
        .route("/consent", post(authorize::decide))
        .route("/oauth/token", post(token::token))
        .route("/login/oauth/access_token", post(token::token))
        .route("/oauth/revoke", post(token::revoke))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/style.css", get(page::style))
}

/// RFC 8414.
async fn metadata(State(forge): State<Forge>) -> Json<Value> {
    let base = &forge.base;
    let scopes: Vec<_> = scopes::all(forge.config.flavour).iter().map(|scope| scope.name).collect();
    Json(json!({
        "issuer": &**base,
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": scopes,
    }))
}
