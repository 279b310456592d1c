//! Our side of a provider's OAuth 2 endpoints: authorization URL, code exchange, refresh.
//!
//! The requests are built by hand, because providers depart from RFC 6749 in ways that a strict
//! client refuses: GitHub answers errors with 200, separates scopes by commas and leaves
//! `expires_in` out.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::StreamExt;
use http::header;
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::{
    error::ConfigError,
    grant::{Renew, RenewError, Renewed},
    provider::{ClientAuth, Registration},
};

/// The most that is read of a token endpoint's answer, in bytes.
const LARGEST: usize = 1 << 20;

const TIMEOUT: Duration = Duration::from_secs(25);

/// The client of one provider.
#[derive(Clone)]
pub(crate) struct OAuth {
    pub(crate) registration: Registration,
    http: reqwest::Client,
    authorize: Url,
    token: Url,
    refresh: Url,
}

/// A token endpoint's answer, success or error (RFC 6749 §5).
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    #[serde(default, deserialize_with = "lenient_seconds")]
    expires_in: Option<u64>,
    scope: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Some providers write the number as a string; a form-encoded answer always does.
fn lenient_seconds<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(f64),
        Text(String),
        Nothing(()),
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    Ok(match Seconds::deserialize(d)? {
        Seconds::Number(number) if (0.0..1e12).contains(&number) => Some(number as u64),
        Seconds::Text(text) => text.parse().ok(),
        Seconds::Number(_) | Seconds::Nothing(()) => None,
    })
}

impl OAuth {
    pub(crate) fn new(
        registration: Registration,
        http: reqwest::Client,
    ) -> Result<Self, ConfigError> {
        registration.check()?;
        let parse = |url: &str| {
            Url::parse(url).map_err(|error| ConfigError::new(format!("`{url}`: {error}")))
        };
        let refresh = registration.dialect.refresh.unwrap_or(&registration.token);
        Ok(Self {
            authorize: parse(&registration.authorize)?,
            token: parse(&registration.token)?,
            refresh: parse(refresh)?,
            registration,
            http,
        })
    }

    /// Where the browser goes (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub(crate) fn authorization_url(
        &self,
        scopes: &[String],
        state: &str,
        challenge: &PkceCodeChallenge,
        redirect_uri: &str,
    ) -> Url {
        let dialect = &self.registration.dialect;
        let mut url = self.authorize.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.registration.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes.join(dialect.scope_separator));
        }
        for (name, value) in dialect.authorize_params {
            query.append_pair(name, value);
        }
        drop(query);
        url
    }

    /// Redeems a code (RFC 6749 §4.1.3).
    pub(crate) async fn exchange(
        &self,
        code: &str,
        verifier: &PkceCodeVerifier,
        redirect_uri: &str,
    ) -> Result<Renewed, RenewError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.secret()),
        ];
        self.ask(&self.token, &form).await
    }

    async fn ask(&self, endpoint: &Url, form: &[(&str, &str)]) -> Result<Renewed, RenewError> {
        let Registration { name, client_id, secret, dialect, .. } = &self.registration;
        let mut form: Vec<(&str, &str)> = form.to_vec();
        let mut request = self
            .http
            .post(endpoint.clone())
            .timeout(TIMEOUT)
            .header(header::ACCEPT, "application/json");
        match (secret, dialect.client_auth) {
            (Some(secret), ClientAuth::Basic) => {
                request = request.header(header::AUTHORIZATION, basic(client_id, secret));
            }
            (Some(secret), ClientAuth::Body) => {
                form.push(("client_id", client_id));
                form.push(("client_secret", secret.expose_secret()));
            }
            (None, _) => form.push(("client_id", client_id)),
        }
        let unreachable = |error: reqwest::Error| {
            RenewError::Unreachable(format!("{name}'s token endpoint: {}", error.without_url()))
        };
        let response = request.form(&form).send().await.map_err(unreachable)?;
        let status = response.status();
        let is_form = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|ty| ty.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(unreachable)?);
            if body.len() > LARGEST {
                return Err(RenewError::Unreachable(format!(
                    "{name}'s token endpoint answers too much"
                )));
            }
        }
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(RenewError::Unreachable(format!(
                "{name}'s token endpoint: status {}",
                status.as_u16()
            )));
        }
        let answer = if is_form { parse_form(&body) } else { serde_json::from_slice(&body).ok() };
        let Some(answer) = answer else {
            return Err(RenewError::Unreachable(format!(
                "{name}'s token endpoint answers with status {} and no JSON",
                status.as_u16()
            )));
        };
        self.understand(answer)
    }

    fn understand(&self, answer: Answer) -> Result<Renewed, RenewError> {
        let Registration { name, dialect, .. } = &self.registration;
        if let Some(error) = answer.error {
            let error: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
            let description = answer.error_description.unwrap_or_default();
            let description: String =
                description.chars().filter(|c| !c.is_control()).take(200).collect();
            let text = if description.is_empty() {
                error.clone()
            } else {
                format!("{error}: {description}")
            };
            return Err(match error.as_str() {
                // The last two are GitHub's.
                "invalid_grant" | "bad_verification_code" | "bad_refresh_token" => {
                    RenewError::InvalidGrant(text)
                }
                "temporarily_unavailable" | "server_error" => RenewError::Unreachable(text),
                _ => RenewError::Misconfigured(format!("{name} refuses this client: {text}")),
            });
        }
        let Some(access_token) = answer.access_token.filter(|token| !token.is_empty()) else {
            return Err(RenewError::Unreachable(format!(
                "{name}'s token endpoint gives no access token"
            )));
        };
        let separators: Vec<char> = dialect.answer_separator.chars().chain([' ']).collect();
        let scopes = answer.scope.map(|scope| {
            scope
                .split(separators.as_slice())
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect()
        });
        Ok(Renewed {
            access_token: access_token.into(),
            refresh_token: answer.refresh_token.filter(|token| !token.is_empty()).map(Into::into),
            scopes,
            expires_in: answer.expires_in.map(Duration::from_secs),
        })
    }
}

#[async_trait]
impl Renew for OAuth {
    async fn renew(&self, refresh_token: &SecretString) -> Result<Renewed, RenewError> {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        self.ask(&self.refresh, &form).await
    }
}

/// Both halves are form-encoded first (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> http::HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose_secret()));
    let mut value = http::HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .expect("base64 fits into a header");
    value.set_sensitive(true);
    value
}

fn parse_form(body: &[u8]) -> Option<Answer> {
    let pairs = form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), serde_json::Value::from(value.into_owned())))
        .collect::<serde_json::Map<_, _>>();
    serde_json::from_value(pairs.into()).ok()
}
