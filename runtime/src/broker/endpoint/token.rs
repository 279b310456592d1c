//! The token endpoint (OAuth 2.1 §3.2).

use axum::{
    Json,
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    error::{self, OAuthError, required},
    identity_assertion::JWT_BEARER,
};
use crate::support::{crash_point::crash_point, escape::escape};
use crate::{
    broker::{state::Broker, store::typed_store::millis, tokens::IssuedTokens},
    browser::form::read_form,
    gate::connected_ip_key,
    trace::{EventKind, GrantType},
};

/// Handles a token request.
pub(crate) async fn issue_tokens(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let mut grant_type = None;
    match broker.token(request, &mut grant_type).await {
        Ok(response) => response,
        Err(error) => {
            tracing::info!(target: "toolgate::broker", code = error.code(), reason = &*escape(error.description()), "a token request was refused");
            let (code, detail) = (error.code(), error.fixed_description());
            let span = broker.new_span();
            span.emit(|| EventKind::TokenRequestRefused { grant_type, code, detail });
            broker.0.grants.audit().refuse("token_request", code);
            error.into_response()
        }
    }
}

impl Broker {
    async fn token(
        &self,
        request: HttpRequest,
        grant_type: &mut Option<GrantType>,
    ) -> Result<Response, OAuthError> {
        // Before the body is read.
        let address = connected_ip_key(request.extensions());
        self.0.limits.tokens.check(address)?;
        let (headers, form) = read_form(request).await?;
        *grant_type = form.get("grant_type").map(|grant_type| match grant_type {
            "authorization_code" => GrantType::AuthorizationCode,
            "refresh_token" => GrantType::RefreshToken,
            JWT_BEARER => GrantType::JwtBearer,
            _ => GrantType::Other,
        });
        let client = self.authenticate_client(&headers, &form, address).await?;
        self.check_resource(&form).map_err(OAuthError::target)?;
        let tokens = match required(&form, "grant_type")? {
            "authorization_code" => {
                let code = required(&form, "code")?;
                let verifier = required(&form, "code_verifier")?;
                self.redeem(&client, code, form.get("redirect_uri"), verifier).await?
            }
            "refresh_token" => {
                let token = required(&form, "refresh_token")?;
                self.refresh(&client, token, form.get("scope")).await?
            }
            JWT_BEARER => {
                let assertion = required(&form, "assertion")?;
                self.redeem_assertion(&client, assertion, form.get("scope")).await?
            }
            _ => {
                let supported = "the grant types are authorization_code and refresh_token";
                return Err(OAuthError::new("unsupported_grant_type", supported));
            }
        };
        crash_point("token.issued");
        Ok(self.token_response(tokens))
    }

    /// The answer of RFC 6749 §5.1.
    fn token_response(&self, tokens: IssuedTokens) -> Response {
        let IssuedTokens { access, refresh } = tokens;
        let expires_in = access.expires_at.saturating_sub(millis(self.now()) / 1000);
        let mut answer = Map::new();
        answer.insert("access_token".into(), access.token.into());
        answer.insert("token_type".into(), "Bearer".into());
        answer.insert("expires_in".into(), expires_in.into());
        answer.insert("scope".into(), access.scopes.join(" ").into());
        if let Some(refresh) = refresh {
            answer.insert("refresh_token".into(), refresh.into());
        }
        let mut response = Json(Value::Object(answer)).into_response();
        error::no_store(response.headers_mut());
        response
    }
}
