//! Token revocation (RFC 7009).
//!
//! The `oauth2` crate revokes at `https` only, even on loopback, where development and tests run
//! their provider.

use http::header;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use super::{TokenError, UpstreamClient, transport::TOKEN_REQUEST_TIMEOUT};
use crate::provider::{ClientAuth, Registration};

/// The kind of a token, as `token_type_hint` (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenTypeHint {
    AccessToken,
    RefreshToken,
}

impl TokenTypeHint {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

impl UpstreamClient {
    /// Revokes a token at the provider. Returns `false` if the provider has no endpoint for it.
    pub(crate) async fn revoke(
        &self,
        token: &SecretString,
        hint: TokenTypeHint,
    ) -> Result<bool, TokenError> {
        let Registration { client_id, secret, dialect, revoke, .. } = &self.registration;
        let Some(endpoint) = revoke.as_deref().and_then(|url| Url::parse(url).ok()) else {
            return Ok(false);
        };
        let mut form = vec![("token", token.expose_secret()), ("token_type_hint", hint.as_str())];
        let mut request = self.http.post(endpoint).timeout(TOKEN_REQUEST_TIMEOUT);
        if let (Some(secret), ClientAuth::Basic) = (secret, dialect.client_auth) {
            // Both halves are form-encoded first (RFC 6749 §2.3.1).
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let (user, password): (String, String) =
                (encode(client_id), encode(secret.expose_secret()));
            request = request.basic_auth(user, Some(password));
        } else {
            form.push(("client_id", client_id));
            form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose_secret())));
        }
        let request = request.header(header::ACCEPT, "application/json").form(&form);
        let status = request.send().await?.status();
        if status.is_success() {
            return Ok(true);
        }
        if status.is_server_error() {
            return Err(TokenError::unreadable(format!("status {}", status.as_u16())));
        }
        let description = "the token was not revoked".to_owned();
        Err(TokenError::Refused { status: status.as_u16(), description })
    }
}

#[cfg(test)]
mod tests {
    use oauth2::{
        AccessToken, ClientId, ConfigurationError, RevocationUrl, StandardRevocableToken,
        basic::BasicClient,
    };

    /// If this fails, the crate can take the place of [`UpstreamClient::revoke`].
    #[test]
    fn the_crate_does_not_revoke_on_loopback() {
        let endpoint = RevocationUrl::new("http://127.0.0.1:1/revoke".to_owned()).unwrap();
        let client = BasicClient::new(ClientId::new("id".to_owned())).set_revocation_url(endpoint);
        let token = StandardRevocableToken::from(AccessToken::new("token".to_owned()));
        let error = client.revoke_token(token).unwrap_err();
        assert!(matches!(error, ConfigurationError::InsecureUrl("revocation")), "{error}");
    }
}
