//! The revocation endpoint (RFC 7009): how a host signs its user out.

use axum::{
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{error, error::OAuthError, parameters};
use crate::broker::Broker;

pub(crate) async fn answer(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let mut response = match broker.revoke(request).await {
        // Also for a token that never was (§2.2).
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    };
    error::no_store(response.headers_mut());
    response
}

impl Broker {
    async fn revoke(&self, request: HttpRequest) -> Result<(), OAuthError> {
        self.0.limits.tokens.check(crate::gate::party_of(request.extensions()))?;
        let (headers, form) = parameters::form(request).await?;
        let client = self.prove(&headers, &form).await?;
        let token = form.need("token")?;
        if token.starts_with("ey") && token.split('.').count() == 3 {
            return Err(OAuthError::new(
                "unsupported_token_type",
                "access tokens carry their own end, within minutes; revoke the refresh token",
            ));
        }
        let Some(sign_in) = self.revoke_family(&client, token).await? else { return Ok(()) };
        let (subject, client) = (&sign_in.subject, &sign_in.client_id);
        tracing::info!(target: "toolgate::broker", %client, %subject, "a client signed its user out");
        self.forget_consent(subject, client).await?;
        if self.is_one_installation(client) {
            // A host that steps up leaves the tokens of the sign-in before to themselves.
            for (id, of) in self.sign_ins(subject).await? {
                if of == *client {
                    self.end(&id).await?;
                }
            }
        }
        // The provider's grant is shared by all clients of this person.
        if self.sign_ins(subject).await?.is_empty() {
            self.take_back(subject).await?;
        }
        Ok(())
    }
}
