//! The revocation endpoint (RFC 7009), with which a host signs its user out.

use axum::{
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::error::{self, OAuthError, required};
use crate::support::escape::escape;
use crate::{
    broker::{client_authentication::AuthenticatedClient, state::Broker},
    browser::form::read_form,
    gate::connected_ip_key,
    grant::StoreError,
    support::background as task,
};

/// Handles a revocation request.
pub(crate) async fn revoke_token(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let mut response = match broker.revoke(request).await {
        // Also for an unknown token (§2.2).
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    };
    error::no_store(response.headers_mut());
    response
}

impl Broker {
    async fn revoke(&self, request: HttpRequest) -> Result<(), OAuthError> {
        let address = connected_ip_key(request.extensions());
        self.0.limits.tokens.check(address)?;
        let (headers, form) = read_form(request).await?;
        let client = self.authenticate_client(&headers, &form, address).await?;
        let token = required(&form, "token")?;
        if token.starts_with("ey") && token.split('.').count() == 3 {
            return Err(OAuthError::new(
                "unsupported_token_type",
                "access tokens carry their own end, within minutes; revoke the refresh token",
            ));
        }
        // In a task of its own: a client that leaves does not stop it half-way.
        let (broker, token) = (self.clone(), token.to_owned());
        let signed_out = task::spawn(async move { broker.sign_out_client(&client, &token).await });
        signed_out.await.unwrap_or_else(|error| {
            Err(StoreError::unavailable("signing a user out", error).into())
        })
    }

    async fn sign_out_client(
        &self,
        client: &AuthenticatedClient,
        token: &str,
    ) -> Result<(), OAuthError> {
        let Some(sign_in) = self.revoke_family(client, token).await? else { return Ok(()) };
        let (subject, client) = (&sign_in.subject, &sign_in.client_id);
        tracing::info!(target: "toolgate::broker", client = %escape(client), subject = %escape(subject), "a client signed its user out");
        self.forget_consent(subject, client).await?;
        if self.is_one_installation(client) {
            // A host that steps up does not revoke the tokens of the sign-in before.
            for (id, of) in self.sign_ins(subject).await? {
                if of == *client {
                    self.end(&id).await?;
                }
            }
        }
        // All clients of this person share the provider's grant.
        if self.sign_ins(subject).await?.is_empty() {
            self.0.grants.disconnect(&self.0.oauth, subject).await?;
        }
        Ok(())
    }
}
