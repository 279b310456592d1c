//! The registration endpoint (RFC 7591).
//!
//! The `scope` of a registration is ignored: a host registers with the scopes of its first challenge,
//! and could never request more if they were a limit.

use axum::{
    Json,
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::json;

use super::error::{self, OAuthError};
use crate::{
    broker::{
        client::{RegisteredClient, UNUSED_CLIENT_TTL, USED_CLIENT_TTL},
        client_metadata::ClientMetadata,
        state::Broker,
        store::typed_store::{CLIENTS, millis, moment},
    },
    support::crypto,
};
use crate::{
    browser::form::{MAX_FORM_BYTES, read_body},
    grant::{SaveError, StoreError, Stored},
};

/// Handles a registration request.
pub(crate) async fn register_client(
    State(broker): State<Broker>,
    request: HttpRequest,
) -> Response {
    match broker.register(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::info!(target: "toolgate::broker", code = error.code(), reason = error.description(), "a registration was refused");
            error.into_response()
        }
    }
}

impl Broker {
    async fn register(&self, request: HttpRequest) -> Result<Response, OAuthError> {
        let (parts, body) = request.into_parts();
        self.0.limits.registrations.check(crate::gate::connected_ip_key(&parts.extensions))?;
        let invalid = |why: String| OAuthError::new("invalid_client_metadata", why);
        let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|ty| {
            let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
        });
        if !is_json {
            return Err(invalid("the request must be `application/json`".to_owned()));
        }
        let bytes = read_body(body, MAX_FORM_BYTES).await?;
        let metadata: ClientMetadata = serde_json::from_slice(&bytes)
            .map_err(|_| invalid("the request is not a client's metadata in JSON".to_owned()))?;
        metadata
            .check_redirect_uris(&self.0.schemes)
            .map_err(|why| OAuthError::new("invalid_redirect_uri", why))?;
        metadata.check_flow().map_err(invalid)?;
        // The default of RFC 7591 §2; hosts without a secret send `none`.
        let method =
            metadata.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let secret = match method {
            "none" => None,
            "client_secret_basic" | "client_secret_post" => Some(crypto::random_token()),
            _ => {
                let known = "`token_endpoint_auth_method` is none, client_secret_basic or client_secret_post";
                return Err(invalid(known.to_owned()));
            }
        };
        let now = self.now();
        let registered = RegisteredClient {
            name: metadata.name(),
            redirect_uris: metadata.redirect_uris.clone(),
            secret: secret.as_deref().map(crypto::sha256_base64url),
            refreshes: metadata.refreshes(),
            prolonged_at: 0,
        };
        let id = format!("tg-{}", crypto::random_token());
        self.0.records.put(CLIENTS, &id, &registered, now + UNUSED_CLIENT_TTL).await?;
        tracing::info!(target: "toolgate::broker", client = %id, "a client registered itself");
        let grants: &[&str] = if registered.refreshes {
            &["authorization_code", "refresh_token"]
        } else {
            &["authorization_code"]
        };
        let mut answer = json!({
            "client_id": id,
            "client_id_issued_at": millis(now) / 1000,
            "redirect_uris": registered.redirect_uris,
            "grant_types": grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
        });
        if let Some(name) = registered.name {
            answer["client_name"] = name.into();
        }
        if let Some(secret) = secret {
            answer["client_secret"] = secret.into();
            answer["client_secret_expires_at"] = 0.into();
        }
        let mut response = (StatusCode::CREATED, Json(answer)).into_response();
        error::no_store(response.headers_mut());
        Ok(response)
    }

    /// Prolongs the registration of a client that is used.
    pub(crate) async fn prolong_client(&self, id: &str) -> Result<(), StoreError> {
        let Some(found) = self.0.clients.records.read::<RegisteredClient>(CLIENTS, id).await?
        else {
            return Ok(());
        };
        let Stored { value: mut registered, revision } = found;
        let now = self.now();
        if now < moment(registered.prolonged_at) + USED_CLIENT_TTL / 3 {
            return Ok(());
        }
        registered.prolonged_at = millis(now);
        match self
            .0
            .clients
            .records
            .write(CLIENTS, id, &registered, now + USED_CLIENT_TTL, revision)
            .await
        {
            // A concurrent request has prolonged it.
            Ok(_) | Err(SaveError::Conflict) => Ok(()),
            Err(SaveError::Store(error)) => Err(error),
        }
    }
}
