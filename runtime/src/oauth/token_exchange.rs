//! Token exchange (RFC 8693): an access token of one API for that of a caller.
//!
//! The `oauth2` crate has no such request. It is made here, and sent and read as the crate's are.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    TokenError, TokenResponse, UpstreamClient,
    raw_response::Exchanged,
    token_response::{ErrorResponse, NormalizedResponse},
};
use crate::provider::{ClientAuth, Registration};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// A JWT may be an access token; that of an ID token or a refresh token is called otherwise (§3).
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// How many characters of a token make it recognisable in a description.
const TELLING_LEN: usize = 8;

/// Why an exchange gave no access token.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Another kind of token was issued (§2.2.1).
    #[error("the authorization server issued something else than an access token")]
    NoAccessToken,
    /// The token lacks scopes that were requested.
    #[error("the authorization server left out the scopes {0:?}")]
    WithoutScopes(Vec<&'static str>),
    /// The exchange panicked.
    #[error("the exchange was aborted")]
    Aborted,
}

/// The members of a response that no other token response has (§2.2.1).
#[derive(Deserialize)]
struct Issued<'a> {
    #[serde(borrow, default)]
    issued_token_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    token_type: Option<Cow<'a, str>>,
}

impl UpstreamClient {
    /// Exchanges the access token of a caller for one with these scopes (§2.1).
    pub(crate) async fn exchange_token(
        &self,
        subject_token: &SecretString,
        scopes: &[&str],
    ) -> Result<TokenResponse, ExchangeError> {
        let request = self.exchange_request(subject_token, scopes);
        let request = request.map_err(|error| TokenError::Unreachable {
            description: error.to_string(),
            maybe_sent: false,
        })?;
        let transport = self.transport(Exchanged::Code);
        let response = transport.call(request).await?;
        let token =
            read(&response).map_err(|error| without_token(error, subject_token.expose_secret()))?;
        Ok(self.in_our_names(token))
    }

    fn exchange_request(
        &self,
        subject_token: &SecretString,
        scopes: &[&str],
    ) -> Result<HttpRequest, http::Error> {
        let Registration { client_id, secret, dialect, token, api, .. } = &self.registration;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", GRANT_TYPE)
            .append_pair("subject_token", subject_token.expose_secret())
            .append_pair("subject_token_type", ACCESS_TOKEN)
            .append_pair("requested_token_type", ACCESS_TOKEN);
        if !scopes.is_empty() {
            let scopes: Vec<_> =
                scopes.iter().map(|scope| dialect.requested_scope(scope)).collect();
            form.append_pair("scope", &scopes.join(dialect.scope_separator));
        }
        let mut names_target = false;
        for &(name, value) in dialect.token_params {
            names_target |= matches!(name, "audience" | "resource");
            form.append_pair(name, value);
        }
        if !names_target {
            form.append_pair("resource", api);
        }
        let mut request = http::Request::post(token.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match (secret, dialect.client_auth) {
            (Some(secret), ClientAuth::Basic) => {
                let credentials = basic(client_id, secret)?;
                request = request.header(header::AUTHORIZATION, credentials);
            }
            (secret, _) => {
                form.append_pair("client_id", client_id);
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret.expose_secret());
                }
            }
        }
        request.body(form.finish().into_bytes())
    }
}

/// The credentials of a client, both halves form-encoded first (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> Result<HeaderValue, http::Error> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose_secret()));
    Ok(HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)))?)
}

fn read(response: &HttpResponse) -> Result<TokenResponse, ExchangeError> {
    // The parse error quotes the response, which may hold tokens.
    let unreadable = |_| TokenError::unreadable("the response has no usable token");
    if !response.status().is_success() {
        let error: ErrorResponse = serde_json::from_slice(response.body()).map_err(unreadable)?;
        return Err(TokenError::from(error).into());
    }
    let issued: Issued<'_> = serde_json::from_slice(response.body()).map_err(unreadable)?;
    let is_access_token = issued.issued_token_type.is_none_or(|ty| ty == ACCESS_TOKEN || ty == JWT);
    // `N_A` is the type of what is no access token, and another needs a proof of possession.
    let is_bearer = issued.token_type.is_none_or(|ty| ty.eq_ignore_ascii_case("bearer"));
    if !is_access_token || !is_bearer {
        return Err(ExchangeError::NoAccessToken);
    }
    let token: NormalizedResponse = serde_json::from_slice(response.body()).map_err(unreadable)?;
    Ok(token.into())
}

/// The error, without a description that quotes the token.
fn without_token(error: ExchangeError, token: &str) -> ExchangeError {
    let start = token.get(..TELLING_LEN).unwrap_or(token);
    let quotes = |text: &str| text.contains(start) || text.contains("eyJ");
    match error {
        ExchangeError::Token(TokenError::InvalidGrant { description: Some(text) })
            if quotes(&text) =>
        {
            TokenError::InvalidGrant { description: None }.into()
        }
        ExchangeError::Token(TokenError::Refused { status, description })
            if quotes(&description) =>
        {
            let code = description.split(' ').next().filter(|code| !quotes(code));
            let description = code.unwrap_or("an error that quotes the token").to_owned();
            TokenError::Refused { status, description }.into()
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(status: u16, body: &Value) -> HttpResponse {
        http::Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
    }

    #[test]
    fn only_a_bearer_access_token_is_taken() {
        let types = "urn:ietf:params:oauth:token-type:";
        for (issued, token_type, is_taken) in [
            (None, None, true),
            (Some("access_token"), Some("Bearer"), true),
            (Some("jwt"), Some("bearer"), true),
            (Some("id_token"), Some("N_A"), false),
            (Some("id_token"), Some("Bearer"), false),
            (Some("refresh_token"), Some("Bearer"), false),
            (Some("saml2"), None, false),
            (Some("access_token"), Some("N_A"), false),
            (Some("access_token"), Some("DPoP"), false),
        ] {
            let mut body = json!({ "access_token": "token-1" });
            if let Some(issued) = issued {
                body["issued_token_type"] = format!("{types}{issued}").into();
            }
            if let Some(token_type) = token_type {
                body["token_type"] = token_type.into();
            }
            let found = read(&response(200, &body));
            assert_eq!(found.is_ok(), is_taken, "{body}");
            if let Err(error) = found {
                assert!(matches!(error, ExchangeError::NoAccessToken), "{error}");
            }
        }
    }

    #[test]
    fn a_description_that_quotes_the_token_is_left_out() {
        let token = "opaque-0123456789";
        for (code, description) in [
            ("invalid_request", "opaque-0123456789 is no token"),
            ("invalid_grant", "opaque-01.. is no token"),
            ("invalid_grant", "eyJhbGciOi is no token"),
            ("opaque-0123456789", ""),
        ] {
            let body = json!({ "error": code, "error_description": description, "status": 400 });
            let error = without_token(read(&response(400, &body)).unwrap_err(), token);
            for text in [error.to_string(), format!("{error:?}")] {
                assert!(!text.contains("opaque") && !text.contains("eyJ"), "{text}");
            }
        }
        let body =
            json!({ "error": "invalid_target", "error_description": "unknown", "status": 400 });
        let error = without_token(read(&response(400, &body)).unwrap_err(), token).to_string();
        assert!(error.contains("invalid_target unknown"), "{error}");
    }
}
