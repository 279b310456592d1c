//! The registration endpoint (RFC 7591).
//!
//! The `scope` of a registration is no limit: a host registers with the scopes of its first
//! challenge, and could never request more. The answer names those that it may begin with.

use axum::{
    Json,
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header, request::Parts};
use serde_json::json;

use super::error::{self, OAuthError};
use crate::support::{crash_point::crash_point, escape::escape};
use crate::{
    broker::{
        client_metadata::ClientMetadata, limits, registered_client::RegisteredClient,
        state::Broker, store::typed_store::millis,
    },
    browser::form::{MAX_FORM_BYTES, read_body},
    gate::connected_ip_key,
    trace::{EventKind, Found},
};

/// Handles a registration request.
pub(crate) async fn register_client(
    State(broker): State<Broker>,
    request: HttpRequest,
) -> Response {
    match broker.register(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::info!(target: "toolgate::broker", code = error.code(), reason = &*escape(error.description()), "a registration was refused");
            let (code, detail) = (error.code(), error.fixed_description());
            broker.new_span().emit(|| EventKind::RegistrationRefused { code, detail });
            broker.0.grants.audit().refuse("registration", code);
            error.into_response()
        }
    }
}

impl Broker {
    async fn register(&self, request: HttpRequest) -> Result<Response, OAuthError> {
        let (parts, body) = request.into_parts();
        self.check_registration_limit(&parts)?;
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
        let bad_uri = |why: String| OAuthError::new("invalid_redirect_uri", why);
        let redirect_uris = metadata.allowed_redirect_uris().map_err(bad_uri)?;
        metadata.check_flow().map_err(invalid)?;
        // The default of RFC 7591 §2; hosts without a secret send `none`.
        let method =
            metadata.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let is_confidential = match method {
            "none" => false,
            "client_secret_basic" | "client_secret_post" => true,
            _ => {
                let known = "`token_endpoint_auth_method` is none, client_secret_basic or client_secret_post";
                return Err(invalid(known.to_owned()));
            }
        };
        let issued_at = millis(self.now()) / 1000;
        let client = RegisteredClient {
            name: metadata.name(),
            redirect_uris,
            is_confidential,
            refreshes: metadata.refreshes(),
            issued_at,
        };
        let registrations = &self.0.clients.registrations;
        let too_long = || bad_uri("the redirect URIs are too long together".to_owned());
        let id = registrations.seal(&client).ok_or_else(too_long)?;
        crash_point("registration.sealed");
        tracing::info!(target: "toolgate::broker", client = %escape(&id), "a client registered itself");
        self.new_span().emit(|| EventKind::ClientRegistered {
            client: Found::new(&id),
            name: client.name.as_deref().map(Found::new),
            confidential: is_confidential,
            refreshes: client.refreshes,
        });
        let grants: &[&str] = if client.refreshes {
            &["authorization_code", "refresh_token"]
        } else {
            &["authorization_code"]
        };
        let mut answer = json!({
            "client_id": id,
            "client_id_issued_at": issued_at,
            "redirect_uris": client.redirect_uris,
            "grant_types": grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
        });
        let requested = metadata.scope.as_ref().and_then(|scope| scope.as_str());
        let scopes = self.scopes_or_default(requested);
        if !scopes.is_empty() {
            answer["scope"] = scopes.join(" ").into();
        }
        if let Some(name) = client.name {
            answer["client_name"] = name.into();
        }
        if is_confidential {
            answer["client_secret"] = registrations.secret(&id).into();
            answer["client_secret_expires_at"] = 0.into();
        }
        let mut response = (StatusCode::CREATED, Json(answer)).into_response();
        error::no_store(response.headers_mut());
        Ok(response)
    }

    /// Counts a registration, unless it is a program's on the machine that the server is for.
    fn check_registration_limit(&self, parts: &Parts) -> Result<(), OAuthError> {
        if self.0.is_loopback && limits::is_of_this_machine(parts) {
            return Ok(());
        }
        Ok(self.0.limits.registrations.check(connected_ip_key(&parts.extensions))?)
    }
}
