//! The metadata of the authorization server (RFC 8414, RFC 9207) and its keys (RFC 7517).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::identity_assertion;
use crate::{
    broker::{client_assertion::ASSERTION_ALGORITHMS, state::Broker},
    trace::{EventKind, MetadataDocument},
};

/// How long clients may cache the documents.
const CACHE_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");

impl Broker {
    /// Returns the metadata document (RFC 8414 §2).
    ///
    /// It lists only the default scopes, because clients request all that they find there.
    pub fn metadata(&self) -> Value {
        let url = |name: &str| format!("{}/oauth/{name}", self.0.issuer);
        let offers_documents = self.offers_documents();
        let mut methods = vec!["none", "client_secret_basic", "client_secret_post"];
        if offers_documents {
            methods.push("private_key_jwt");
        }
        let mut resources = vec![&self.0.resource];
        resources.extend(&self.0.other_resources);
        let mut document = json!({
            "issuer": self.0.issuer,
            "authorization_endpoint": url("authorize"),
            "token_endpoint": url("token"),
            "registration_endpoint": url("register"),
            "revocation_endpoint": url("revoke"),
            "jwks_uri": url("jwks"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": offers_documents,
            "protected_resources": resources,
        });
        if !self.0.identity_providers.is_empty() {
            document["grant_types_supported"] =
                json!(["authorization_code", "refresh_token", identity_assertion::JWT_BEARER]);
            document["authorization_grant_profiles_supported"] =
                json!([identity_assertion::PROFILE]);
        }
        if offers_documents {
            for endpoint in ["token", "revocation"] {
                let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
                document[name] = json!(ASSERTION_ALGORITHMS);
            }
        }
        if !self.0.default_scopes.is_empty() {
            document["scopes_supported"] = json!(self.0.default_scopes);
        }
        document
    }

    /// Whether clients may be known by a metadata document. A server for one machine may have no way
    /// out, where a client that registers needs none.
    fn offers_documents(&self) -> bool {
        self.0.client_metadata_documents.unwrap_or(!self.0.is_loopback)
    }
}

pub(crate) async fn document(State(broker): State<Broker>) -> Response {
    let document = MetadataDocument::AuthorizationServer;
    broker.new_span().emit(|| EventKind::MetadataRead { document });
    ([(header::CACHE_CONTROL, CACHE_FOR)], Json(broker.metadata())).into_response()
}

pub(crate) async fn jwks(State(broker): State<Broker>) -> Response {
    broker.new_span().emit(|| EventKind::MetadataRead { document: MetadataDocument::Jwks });
    match broker.jwks().await {
        Ok(keys) => ([(header::CACHE_CONTROL, CACHE_FOR)], Json(keys)).into_response(),
        Err(error) => super::error::OAuthError::from(error).into_response(),
    }
}
