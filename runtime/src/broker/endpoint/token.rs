//! The token endpoint (OAuth 2.1 §3.2), and the access tokens (RFC 9068).

use axum::{
    Json,
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{error, error::OAuthError, parameters};
use crate::broker::{
    Broker,
    store::{sign_in::Tokens, typed_store::millis},
};
use crate::{grant::StoreError, support::random};

/// An access token that was signed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    token: String,
    pub(crate) scopes: Vec<String>,
    /// The `exp` of the token.
    until: u64,
}

/// The claims (RFC 9068 §2.2).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    scope: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    /// What the provider withheld when it was asked again: another authorization would not help, and
    /// the gate does not ask hosts for one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    withheld: &'a [String],
}

pub(crate) async fn answer(State(broker): State<Broker>, request: HttpRequest) -> Response {
    match broker.token(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::info!(target: "toolgate::broker", code = error.code(), reason = error.description(), "a token request was refused");
            error.into_response()
        }
    }
}

impl Broker {
    async fn token(&self, request: HttpRequest) -> Result<Response, OAuthError> {
        // Before anything of it is read.
        self.0.limits.tokens.check(crate::gate::party_of(request.extensions()))?;
        let (headers, form) = parameters::form(request).await?;
        let client = self.prove(&headers, &form).await?;
        self.check_resource(&form).map_err(OAuthError::target)?;
        let tokens = match form.need("grant_type")? {
            "authorization_code" => {
                let (code, verifier) = (form.need("code")?, form.need("code_verifier")?);
                self.redeem(&client, code, form.get("redirect_uri"), verifier).await?
            }
            "refresh_token" => {
                self.refresh(&client, form.need("refresh_token")?, form.get("scope")).await?
            }
            _ => {
                let supported = "the grant types are authorization_code and refresh_token";
                return Err(OAuthError::new("unsupported_grant_type", supported));
            }
        };
        if let Err(error) = self.keep_client(&client.id).await {
            // The tokens are made; that is no reason to lose them.
            tracing::error!(target: "toolgate::broker", %error, "a client was not kept");
        }
        Ok(self.told(tokens))
    }

    /// The answer of RFC 6749 §5.1.
    fn told(&self, tokens: Tokens) -> Response {
        let Tokens { access, refresh } = tokens;
        let left = access.until.saturating_sub(millis(self.now()) / 1000);
        let mut answer = Map::new();
        answer.insert("access_token".into(), access.token.into());
        answer.insert("token_type".into(), "Bearer".into());
        answer.insert("expires_in".into(), left.into());
        answer.insert("scope".into(), access.scopes.join(" ").into());
        if let Some(refresh) = refresh {
            answer.insert("refresh_token".into(), refresh.into());
        }
        let mut response = Json(Value::Object(answer)).into_response();
        error::no_store(response.headers_mut());
        response
    }

    /// Signs an access token for our resource alone.
    pub(crate) async fn access(
        &self,
        subject: &str,
        client: &str,
        scopes: &[String],
        withheld: &[String],
    ) -> Result<Access, StoreError> {
        let ring = self.0.keys.ring().await?;
        let now = self.now();
        let key = ring.current(now)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let issued = millis(now) / 1000;
        let expires = issued + self.0.life.as_secs();
        let claims = Claims {
            iss: &self.0.issuer,
            sub: subject,
            aud: &self.0.resource,
            client_id: client,
            scope: &scopes.join(" "),
            iat: issued,
            exp: expires,
            jti: &random::text(),
            withheld,
        };
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map_err(|error| StoreError::unavailable("signing an access token", error))?;
        Ok(Access { token, scopes: scopes.to_vec(), until: expires })
    }
}
