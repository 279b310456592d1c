//! The broker's access tokens (RFC 9068).

use std::time::SystemTime;

use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};

use super::{state::Broker, store::typed_store::millis};
use crate::{grant::StoreError, support::crypto};

/// An access token that was signed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) token: String,
    pub(crate) scopes: Vec<String>,
    /// The `exp` of the token.
    #[serde(rename = "until")]
    pub(crate) expires_at: u64,
}

/// The tokens of an answer of the token endpoint.
pub(crate) struct IssuedTokens {
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<String>,
}

/// The claims (RFC 9068 §2.2).
#[derive(Serialize)]
struct AccessTokenClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    scope: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    /// The sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    /// The scopes that the provider withheld twice: another authorization would not help, so the
    /// gate does not ask hosts for one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    withheld: &'a [String],
}

impl Broker {
    /// Signs an access token for the broker's resource: that of a subject, a client, and a sign-in by
    /// which the gate finds scopes that were added.
    pub(crate) async fn sign_access_token(
        &self,
        (subject, client, sign_in): (&str, &str, Option<&str>),
        scopes: &[String],
        withheld: &[String],
    ) -> Result<AccessToken, StoreError> {
        let expires_at = self.now() + self.0.access_token_ttl;
        self.sign_until((subject, client, sign_in), (scopes, withheld), expires_at).await
    }

    /// The same with another end of its life, which may have passed.
    pub(crate) async fn sign_until(
        &self,
        (subject, client, sign_in): (&str, &str, Option<&str>),
        (scopes, withheld): (&[String], &[String]),
        expires_at: SystemTime,
    ) -> Result<AccessToken, StoreError> {
        let key_set = self.0.keys.key_set().await?;
        let now = self.now();
        let key = key_set.current(now)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let expires_at = millis(expires_at) / 1000;
        let issued_at = (millis(now) / 1000).min(expires_at);
        let claims = AccessTokenClaims {
            iss: &self.0.issuer,
            sub: subject,
            aud: &self.0.resource,
            client_id: client,
            scope: &scopes.join(" "),
            iat: issued_at,
            exp: expires_at,
            jti: &crypto::random_token(),
            sid: sign_in,
            withheld,
        };
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map_err(|error| StoreError::unavailable("signing an access token", error))?;
        Ok(AccessToken { token, scopes: scopes.to_vec(), expires_at })
    }
}
