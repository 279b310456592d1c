//! Opaque tokens, of which the issuer is asked (RFC 7662).

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use moka::future::Cache;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::{
    Claims, Presented, Refusal, Scheme, Verifier,
    fetch::{self, FetchError},
};
use crate::{
    error::ConfigError,
    grant::{Clock, SystemClock},
};

/// How long an answer is believed, whatever the token's life: for so long a revoked token works.
const BELIEVED: Duration = Duration::from_secs(30);

/// How many answers are kept.
const MOST: u64 = 10_000;

/// How many questions may be under way; strangers can make us ask.
const AT_ONCE: usize = 64;

/// Asks an issuer about each token. Made by [`introspection`].
pub struct Introspection {
    issuer: String,
    url: String,
    client_id: String,
    secret: SecretString,
    http: Client,
    clock: Arc<dyn Clock>,
    asking: Semaphore,
    answers: Cache<[u8; 32], Result<Claims, Refusal>>,
}

/// Asks at `url`, as a client of the issuer, whether tokens are good.
///
/// The answer must name this resource as the audience (`aud`), unless the issuer names none, and
/// then only its own word makes the token one for this server: register a client for this server
/// alone.
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
        asking: Semaphore::new(AT_ONCE),
        answers: Cache::builder().max_capacity(MOST).time_to_live(BELIEVED).build(),
    })
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
    iss: Option<String>,
    sub: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    exp: Option<u64>,
    nbf: Option<u64>,
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

    async fn ask(&self, token: &str, resource: &str) -> Result<Claims, Refusal> {
        let unavailable = || Refusal::Unavailable { retry_after: Duration::from_secs(5) };
        let _turn = self.asking.acquire().await.map_err(|_| unavailable())?;
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

    fn check(&self, answer: Answer, resource: &str) -> Result<Claims, Refusal> {
        if !answer.active {
            return Err(Refusal::Inactive);
        }
        if let Some(found) = answer.iss.filter(|found| *found != self.issuer) {
            return Err(Refusal::WrongIssuer { found, expected: self.issuer.clone() });
        }
        let found = match &answer.aud {
            None => None,
            Some(Value::String(one)) => Some(vec![one.clone()]),
            Some(Value::Array(all)) => {
                Some(all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
            }
            Some(_) => return Err(Refusal::Claim("aud")),
        };
        if let Some(found) = found.filter(|found| !found.iter().any(|one| one == resource)) {
            return Err(Refusal::WrongAudience { found, expected: resource.to_owned() });
        }
        if answer.cnf.is_some() {
            return Err(Refusal::SenderConstrained);
        }
        let at = |seconds: u64| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        if answer.nbf.and_then(at).is_some_and(|start| start > self.clock.now()) {
            return Err(Refusal::NotYetValid);
        }
        let machine = answer.sub.is_none() || answer.sub == answer.client_id;
        let subject =
            answer.sub.or_else(|| answer.client_id.clone()).ok_or(Refusal::Claim("sub"))?;
        let scope = answer.scope.unwrap_or_default();
        let scopes = scope.split(' ').filter(|scope| !scope.is_empty());
        let mut claims = Claims::new(&self.issuer, subject).scopes(scopes).with_extra(answer.extra);
        if let Some(end) = answer.exp.and_then(at) {
            claims = claims.until(end);
        }
        if let Some(client) = answer.client_id {
            claims = claims.client(client);
        }
        Ok(if machine { claims.of_machine() } else { claims })
    }

    fn is_over(&self, claims: &Claims) -> Option<Duration> {
        let over = |end: SystemTime| self.clock.now().duration_since(end).ok();
        claims.expires_at().and_then(over)
    }
}

#[async_trait]
impl Verifier for Introspection {
    async fn verify(&self, presented: Presented<'_>) -> Result<Claims, Refusal> {
        if presented.credentials.scheme != Scheme::Bearer {
            return Err(Refusal::Proof("proofs are not taken here"));
        }
        let token = presented.credentials.token();
        let mut key = [0; 32];
        let text = format!("{} {token}", presented.resource);
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        // One question for however many requests come with the token at once. That nobody could
        // answer is not kept.
        let asked = self.answers.try_get_with(key, async {
            match self.ask(token, presented.resource).await {
                Err(refusal @ Refusal::Unavailable { .. }) => Err(refusal),
                answer => Ok(answer),
            }
        });
        let claims = asked.await.map_err(|refusal| Refusal::clone(&refusal))??;
        match self.is_over(&claims) {
            Some(ago) => Err(Refusal::Expired { ago }),
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
