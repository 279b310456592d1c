//! OAuth 2 client for upstream providers, built on the `oauth2` crate.
//!
//! [`UpstreamClient`] makes authorization URLs, exchanges codes, refreshes tokens and revokes them.
//! The `oauth2` crate builds the requests and reads the responses; its types ([`CsrfToken`],
//! [`PkceCodeVerifier`], [`AuthorizationCode`], ..) are the vocabulary here and in the layers above.
//! Requests are sent by [`transport`], which bounds the response and rewrites what providers send
//! into what RFC 6749 prescribes, because the crate reads nothing else.

mod client;
mod error;
mod revocation;
#[cfg(test)]
mod tests;
mod token_response;
mod transport;

pub(crate) use client::UpstreamClient;
pub use error::TokenError;
pub(crate) use oauth2::{
    AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
};
pub(crate) use revocation::TokenTypeHint;
pub use token_response::TokenResponse;

use crate::support::random;

/// Makes a `state` of 256 random bits (RFC 6749 §10.12).
pub(crate) fn new_state() -> CsrfToken {
    CsrfToken::new(random::text())
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
            resource: None,
        })
    }

    /// Asks for tokens for this resource (RFC 8707 §2).
    pub(crate) fn for_resource(mut self, resource: String) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Where the browser goes (RFC 6749 §4.1.1, RFC 7636 §4.3). A refresh token is asked for as well
    /// if the catalogue says how.
    pub(crate) fn authorization_url(
        &self,
        scopes: &[String],
        state: &str,
        challenge: &pkce::Challenge,
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
        let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let declares = self.registration.catalogue.iter().any(|scope| scope.name == OFFLINE);
        if declares && !scopes.contains(&OFFLINE) {
            scopes.push(OFFLINE);
        }
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes.join(dialect.scope_separator));
        }
        if let Some(resource) = &self.resource {
            query.append_pair("resource", resource);
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
        verifier: &pkce::Verifier,
        redirect_uri: &str,
    ) -> Result<Renewed, RenewError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.secret()),
        ];
        if let Some(resource) = &self.resource {
            form.push(("resource", resource));
        }
        self.ask(&self.token, &form).await
    }

    /// Tells the operator why a code was not redeemed, and what to do where it is theirs to mend.
    pub(crate) fn log_unredeemed(&self, error: &RenewError) {
        let Registration { id, dialect, .. } = &self.registration;
        if let RenewError::Refused { .. } = error {
            let prefix = id.to_uppercase().replace('-', "_");
            let auth = match dialect.client_auth {
                ClientAuth::Basic => "basic",
                ClientAuth::Body => "body",
            };
            tracing::error!(
                target: "toolgate::consent",
                provider = id,
                %error,
                "the provider refuses this server's client: check `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`, and that it wants them as `client_auth = {auth}` sends them"
            );
        } else {
            tracing::warn!(target: "toolgate::consent", provider = id, %error, "a code was not redeemed");
        }
    }

    /// Revokes a token at the provider (RFC 7009). `false`: the provider has no endpoint for it.
    pub(crate) async fn revoke(
        &self,
        token: &SecretString,
        hint: &str,
    ) -> Result<bool, RenewError> {
        let Some(endpoint) = &self.registration.revoke else { return Ok(false) };
        let Ok(endpoint) = Url::parse(endpoint) else { return Ok(false) };
        let form = [("token", token.expose_secret()), ("token_type_hint", hint)];
        let response = self.post(&endpoint, &form).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(true);
        }
        if status.is_server_error() {
            return Err(unreadable(format!("status {}", status.as_u16())));
        }
        let description = "the token was not revoked".to_owned();
        Err(RenewError::Refused { status: status.as_u16(), description })
    }

    /// Sends a form with the client's credentials.
    async fn post(
        &self,
        endpoint: &Url,
        form: &[(&str, &str)],
    ) -> Result<reqwest::Response, RenewError> {
        let Registration { client_id, secret, dialect, .. } = &self.registration;
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
        request.form(&form).send().await.map_err(unreachable)
    }

    async fn ask(&self, endpoint: &Url, form: &[(&str, &str)]) -> Result<Renewed, RenewError> {
        let response = self.post(endpoint, form).await?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let is_form = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|ty| ty.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(unreachable)?);
            if body.len() > LARGEST {
                return Err(unreadable("an answer of more than 1 MiB".to_owned()));
            }
        }
        if status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(RenewError::Busy { retry_after });
        }
        if status.is_server_error() {
            return Err(unreadable(format!("status {}", status.as_u16())));
        }
        let answer = if is_form { parse_form(&body) } else { serde_json::from_slice(&body).ok() };
        let Some(answer) = answer else {
            return Err(unreadable(format!("status {} and no JSON", status.as_u16())));
        };
        self.understand(status.as_u16(), answer)
    }

    fn understand(&self, status: u16, answer: Answer) -> Result<Renewed, RenewError> {
        let dialect = &self.registration.dialect;
        if let Some(error) = answer.error {
            let error: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
            let description = answer.error_description.unwrap_or_default();
            let description: String =
                description.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(match error.as_str() {
                // The last two are GitHub's.
                "invalid_grant" | "bad_verification_code" | "bad_refresh_token" => {
                    let description = Some(description).filter(|text| !text.is_empty());
                    RenewError::InvalidGrant { description }
                }
                "temporarily_unavailable" | "server_error" => unreadable(error),
                _ => RenewError::Refused { status, description: format!("{error} {description}") },
            });
        }
        let Some(access_token) = answer.access_token.filter(|token| !token.is_empty()) else {
            return Err(unreadable("no access token".to_owned()));
        };
        let separators: Vec<char> = dialect.response_scope_separator.chars().chain([' ']).collect();
        let mut renewed = Renewed::new(access_token);
        if let Some(scope) = answer.scope {
            renewed = renewed.scopes(scope.split(separators.as_slice()).filter(|s| !s.is_empty()));
        }
        if let Some(token) = answer.refresh_token.filter(|token| !token.is_empty()) {
            renewed = renewed.refresh_token(token);
        }
        if let Some(seconds) = answer.expires_in {
            renewed = renewed.expires_in(Duration::from_secs(seconds));
        }
        Ok(renewed)
    }
}

fn unreachable(error: reqwest::Error) -> RenewError {
    let maybe_sent = !error.is_connect();
    RenewError::Unreachable { description: without_url(error), maybe_sent }
}

fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// The request arrived, and what came back says nothing of the grant.
fn unreadable(description: String) -> RenewError {
    RenewError::Unreachable { description, maybe_sent: true }
}

#[async_trait]
impl Renew for OAuth {
    async fn renew(
        &self,
        refresh_token: &SecretString,
        _: &BTreeSet<String>,
    ) -> Result<Renewed, RenewError> {
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
