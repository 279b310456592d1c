//! Token revocation (RFC 7009), and the ways of providers that have their own.
//!
//! The `oauth2` crate revokes at `https` only, even on loopback, where development and tests run
//! their provider.

use std::collections::BTreeMap;

use http::{Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    TokenError, UpstreamClient, raw_response::RawResponse, transport::TOKEN_REQUEST_TIMEOUT,
};
use crate::provider::{
    BodyFormat, ClientAuth, Registration, Revocation, RevocationMethod, RevokedTokens, TokenPlace,
};

/// Encoded in a segment of a path: all but the unreserved characters of RFC 3986 §2.3.
const SEGMENT_ENCODE_SET: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
    /// The tokens of a grant that are revoked, in this order. The refresh token comes first: most
    /// providers revoke with it every token that was issued for it, and some do not know the access
    /// token after that.
    pub(crate) fn tokens_to_revoke<'t>(
        &self,
        refresh_token: Option<&'t SecretString>,
        access_token: &'t SecretString,
    ) -> impl Iterator<Item = (&'t SecretString, TokenTypeHint)> + use<'t> {
        let (refreshes, accesses) = match self.registration.dialect.revocation.tokens {
            RevokedTokens::Both => (true, true),
            RevokedTokens::AccessToken => (false, true),
            RevokedTokens::RefreshToken => (true, refresh_token.is_none()),
        };
        let refresh_token = refresh_token.filter(|_| refreshes);
        let access_token = Some(access_token).filter(|_| accesses);
        let refresh_token = refresh_token.map(|token| (token, TokenTypeHint::RefreshToken));
        let access_token = access_token.map(|token| (token, TokenTypeHint::AccessToken));
        refresh_token.into_iter().chain(access_token)
    }

    /// Revokes a token at the provider. Returns `false` if the provider has no endpoint for it.
    pub(crate) async fn revoke(
        &self,
        token: &SecretString,
        hint: TokenTypeHint,
    ) -> Result<bool, TokenError> {
        let Some(request) = self.revocation_request(token, hint)? else { return Ok(false) };
        let response = RawResponse::read(request.send().await?).await?;
        if response.status.is_success() && !is_error(&response.body) {
            return Ok(true);
        }
        if response.status.is_server_error() {
            return Err(TokenError::unreadable(format!("status {}", response.status.as_u16())));
        }
        let description = "the token was not revoked".to_owned();
        Err(TokenError::Refused { status: response.status.as_u16(), description })
    }

    fn revocation_request(
        &self,
        token: &SecretString,
        hint: TokenTypeHint,
    ) -> Result<Option<RequestBuilder>, TokenError> {
        let Registration { client_id, secret, dialect, revoke, .. } = &self.registration;
        let Revocation { method, token: place, param, body, client_auth, .. } = dialect.revocation;
        let Some(url) = revoke else { return Ok(None) };
        let url = url.replace("{client_id}", &path_segment(client_id)?);
        let url = match place {
            TokenPlace::Path => url.replace("{token}", &path_segment(token.expose_secret())?),
            TokenPlace::Body | TokenPlace::Bearer => url,
        };
        let Ok(endpoint) = Url::parse(&url) else { return Ok(None) };
        let method = match method {
            RevocationMethod::Post => Method::POST,
            RevocationMethod::Get => Method::GET,
            RevocationMethod::Delete => Method::DELETE,
        };
        let request = self.http.request(method, endpoint).timeout(TOKEN_REQUEST_TIMEOUT);
        let mut request = request.header(header::ACCEPT, "application/json");
        if place == TokenPlace::Bearer {
            return Ok(Some(request.bearer_auth(token.expose_secret())));
        }
        let mut members = Vec::new();
        if place == TokenPlace::Body {
            members.push((param, token.expose_secret()));
            if dialect.revocation == Revocation::STANDARD {
                members.push(("token_type_hint", hint.as_str()));
            }
        }
        if let (Some(secret), ClientAuth::Basic) =
            (secret, client_auth.unwrap_or(dialect.client_auth))
        {
            // Both halves are form-encoded first (RFC 6749 §2.3.1).
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let (user, password): (String, String) =
                (encode(client_id), encode(secret.expose_secret()));
            request = request.basic_auth(user, Some(password));
        } else {
            members.push(("client_id", client_id));
            members.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose_secret())));
        }
        Ok(Some(match body {
            _ if members.is_empty() => request,
            BodyFormat::Json => request.json(&members.into_iter().collect::<BTreeMap<_, _>>()),
            BodyFormat::Form => request.form(&members),
        }))
    }
}

/// Encodes a value as one segment of a path.
fn path_segment(value: &str) -> Result<String, TokenError> {
    if value.is_empty() || value.bytes().all(|byte| byte == b'.') {
        let description = "a token that cannot be part of a path".to_owned();
        return Err(TokenError::Unreachable { description, maybe_sent: false });
    }
    Ok(utf8_percent_encode(value, SEGMENT_ENCODE_SET).to_string())
}

/// Whether the body of a success says that it is none, as Slack's do.
fn is_error(body: &[u8]) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return false };
    members.get("ok") == Some(&Value::Bool(false))
        || members.get("error").is_some_and(|error| !matches!(error, Value::Null))
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
