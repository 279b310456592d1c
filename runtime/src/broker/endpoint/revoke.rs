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
    support::{background as task, crash_point::crash_point},
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
        let Some((id, sign_in)) = self.find_sign_in(client, token).await? else { return Ok(()) };
        let (subject, client) = (&sign_in.subject, &sign_in.client_id);
        // A host that steps up does not revoke the tokens of the sign-in before.
        let ends_all = self.is_one_installation(client);
        let (ended, left): (Vec<_>, Vec<_>) = self
            .sign_ins(subject)
            .await?
            .into_iter()
            .partition(|(other, of)| other == id || (ends_all && of == client));
        // All clients of this person share the provider's grant. This sign-in ends last: if the process
        // dies in between, the client's next request finds it, and does the rest.
        if left.is_empty() {
            self.0.grants.disconnect(&self.0.oauth, subject).await?;
        }
        self.forget_consent(subject, client).await?;
        for (other, _) in ended.iter().filter(|(other, _)| other != id) {
            self.end(other).await?;
        }
        self.end(id).await?;
        tracing::info!(target: "toolgate::broker", client = %escape(client), subject = %escape(subject), "a client signed its user out");
        crash_point("disconnect.client_signed_out");
        // Clients that sign out at once each find the other's sign-in.
        if !left.is_empty() && self.sign_ins(subject).await?.is_empty() {
            self.0.grants.disconnect(&self.0.oauth, subject).await?;
        }
        Ok(())
    }
}
