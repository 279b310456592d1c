//! Opaque tokens, of which the issuer is asked (RFC 7662).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::token::{is_client_credentials, moment, strings, words};
use crate::{
    error::ConfigError,
    grant::{Clock, SystemClock},
    support::cache::Answers,
};
use crate::{
    gate::{AuthError, Claims, Presented, Scheme, Verifier},
    support::{fetch, fetch::FetchError},
};

/// How long an answer is believed, whatever the token's life: for so long a revoked token works.
const BELIEVED: Duration = Duration::from_secs(30);

/// How many answers are kept.
const MOST: usize = 10_000;

/// How many questions may be under way; strangers can make us ask.
const AT_ONCE: usize = 64;

/// How long a question waits for its turn: tokens that are made up must not hold up the others.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the issuer's clock may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// What issuers call tokens that are none for a resource.
const OTHERS: [&str; 5] = ["refresh", "refresh_token", "offline", "id", "id_token"];

/// Asks an issuer about each token. Made by [`introspection`].
pub struct Introspection {
    issuer: String,
    url: String,
    client_id: String,
    secret: SecretString,
    http: Client,
    clock: Arc<dyn Clock>,
    for_anybody: bool,
    asking: Semaphore,
    answers: Answers<[u8; 32], Result<Claims, AuthError>>,
}

/// Asks at `url`, as a client of the issuer, whether tokens are good.
///
/// The answer must name this resource as the audience (`aud`); where the issuer names none, see
/// [`Introspection::accept_without_audience`].
///
/// # Errors
///
/// `url` is no https URL (http is accepted for this machine).
pub fn introspection(
    issuer: impl Into<String>,
    url: impl Into<String>,
    client_id: impl Into<String>,
    secret: impl Into<String>,
) -> Result<Introspection, ConfigError> {
    let url = url.into();
    fetch::parse(&url)?;
    Ok(Introspection {
        issuer: issuer.into(),
        url,
        client_id: client_id.into(),
        secret: SecretString::from(secret.into()),
        http: fetch::client()?,
        clock: Arc::new(SystemClock),
        for_anybody: false,
        asking: Semaphore::new(AT_ONCE),
        answers: Answers::new(MOST, BELIEVED),
    })
}

/// An answer, as it came: a claim that makes no sense is a fault of the token and not of the issuer.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    iss: Option<Value>,
    sub: Option<Value>,
    client_id: Option<Value>,
    scope: Option<Value>,
    scp: Option<Value>,
    permissions: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    aud: Option<Value>,
    cnf: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl Introspection {
    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Accepts tokens of which the issuer does not say for whom they are. It then says that they are
    /// good anywhere, so be sure that it answers only about tokens for this server: to this client.
    #[must_use]
    pub fn accept_without_audience(mut self) -> Self {
        self.for_anybody = true;
        self
    }

    async fn ask(&self, token: &str, resource: &str) -> Result<Claims, AuthError> {
        let unavailable = || AuthError::Unavailable { retry_after: Duration::from_secs(5) };
        let turn = tokio::time::timeout(PATIENCE, self.asking.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(unavailable()) };
        let request = self
            .http
            .post(&self.url)
            .basic_auth(encoded(&self.client_id), Some(encoded(self.secret.expose_secret())))
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        let answer: Answer = fetch::json(request).await.map_err(|error| {
            log(&self.issuer, &error);
            unavailable()
        })?;
        self.check(answer, resource)
    }

    fn check(&self, answer: Answer, resource: &str) -> Result<Claims, AuthError> {
        if !answer.active {
            return Err(AuthError::Inactive);
        }
        let text = |value: Option<Value>, name| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(AuthError::Claim(name)),
        };
        if let Some(found) = text(answer.iss, "iss")?.filter(|found| *found != self.issuer) {
            return Err(AuthError::WrongIssuer { found, expected: self.issuer.clone() });
        }
        for name in ["token_use", "token_type", "typ"] {
            let kind = answer.extra.get(name).and_then(Value::as_str);
            if let Some(kind) = kind.filter(|kind| OTHERS.contains(&&*kind.to_lowercase())) {
                return Err(AuthError::WrongType { found: Some(kind.to_owned()) });
            }
        }
        match answer.aud.filter(|audience| !audience.is_null()) {
            None if self.for_anybody => {}
            None => return Err(AuthError::Claim("aud")),
            Some(audience) => {
                let found = strings(Some(&audience)).ok_or(AuthError::Claim("aud"))?;
                if !found.iter().any(|one| one == resource) {
                    return Err(AuthError::WrongAudience { found, expected: resource.to_owned() });
                }
            }
        }
        if answer.cnf.is_some_and(|cnf| !cnf.is_null()) {
            return Err(AuthError::SenderConstrained);
        }
        let at = |value: Option<Value>, name| match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => moment(Some(&value)).map(Some).ok_or(AuthError::Claim(name)),
        };
        if at(answer.nbf, "nbf")?.is_some_and(|start| start > self.clock.now() + LEEWAY) {
            return Err(AuthError::NotYetValid);
        }
        let (subject, client) = (text(answer.sub, "sub")?, text(answer.client_id, "client_id")?);
        let machine = is_client_credentials(subject.as_deref(), client.as_deref(), &answer.extra);
        let subject = subject.or_else(|| client.clone()).ok_or(AuthError::Claim("sub"))?;
        let mut claims = Claims::new(&self.issuer, subject);
        for (scopes, name) in
            [(answer.scope, "scope"), (answer.scp, "scp"), (answer.permissions, "permissions")]
        {
            let scopes = scopes.filter(|scopes| !scopes.is_null());
            claims = claims.scopes(words(scopes.as_ref()).ok_or(AuthError::Claim(name))?);
        }
        claims = claims.with_extra(answer.extra);
        if let Some(end) = at(answer.exp, "exp")? {
            claims = claims.expires_at(end);
        }
        if let Some(client) = client {
            claims = claims.client(client);
        }
        Ok(if machine { claims.client_credentials() } else { claims })
    }

    fn is_over(&self, claims: &Claims) -> Option<Duration> {
        let now = self.clock.now();
        let over = |end: &SystemTime| *end + LEEWAY <= now;
        let end = claims.expiration().filter(over)?;
        now.duration_since(end).ok()
    }
}

#[async_trait]
impl Verifier for Introspection {
    async fn verify(&self, presented: Presented<'_>) -> Result<Claims, AuthError> {
        if presented.credentials.scheme != Scheme::Bearer {
            return Err(AuthError::Proof("proofs are not taken here"));
        }
        let token = presented.credentials.token();
        let mut key = [0; 32];
        let text = format!("{} {token}", presented.resource);
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        // One question for however many requests come with the token at once. That nobody could
        // answer is not kept.
        let lasts = |answer: &Result<_, _>| !matches!(answer, Err(AuthError::Unavailable { .. }));
        let claims = self.answers.get(key, lasts, self.ask(token, presented.resource)).await?;
        match self.is_over(&claims) {
            Some(ago) => Err(AuthError::Expired { ago }),
            None => Ok(claims),
        }
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec![self.issuer.clone()]
    }
}

/// Basic authentication takes both in the form's encoding (RFC 6749 §2.3.1).
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn log(issuer: &str, error: &FetchError) {
    tracing::error!(target: "toolgate::gate", issuer, %error, "the issuer cannot be asked about a token");
}
