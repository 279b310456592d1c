//! Token introspection (RFC 7662): opaque tokens, which the issuer is asked about.

use std::{
    iter,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::fair_permits::FairPermits;
use super::token::{
    is_client_credentials, names_person, numeric_date, scope_list, string_list, wrong_audience,
};
use crate::{
    error::ConfigError,
    gate::{AuthError, Claims, PresentedToken, Scheme, Verifier},
    support::{
        cache::{Cache, FetchCache},
        clock::{Clock, SystemClock},
        crypto::sha256,
        escape::escape,
        http_client,
        http_client::fetch_json,
        url::parse_endpoint,
    },
};
use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

/// How long an answer is used, whatever the token's own end: a revoked token works for so long.
const ANSWER_TTL: Duration = Duration::from_secs(30);

/// The size of all cached answers, in bytes.
const MAX_CACHE_BYTES: u64 = 16 << 20;

/// How many answers of a usual size fit.
const EXPECTED_ANSWERS: usize = 10_000;

/// The size of a cached answer besides its texts, in bytes.
const ANSWER_BYTES: u64 = 512;

/// How long an answer that was good is used while no request can be made, because too many are under
/// way.
const STALE_TTL: Duration = Duration::from_secs(120);

/// How far the issuer's clock may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// What issuers call tokens that are not access tokens.
const OTHER_TOKEN_TYPES: [&str; 5] = ["refresh", "refresh_token", "offline", "id", "id_token"];

/// Verifies tokens by asking their issuer. Made by [`introspection`].
pub struct Introspection {
    endpoint: Arc<IntrospectionEndpoint>,
    answers: FetchCache<[u8; 32], Result<Claims, AuthError>>,
    /// The last good answers.
    good: Cache<[u8; 32], Claims>,
}

/// The issuer's endpoint, and how its answers are checked.
#[derive(Clone)]
struct IntrospectionEndpoint {
    issuer: String,
    url: String,
    client_id: String,
    secret: SecretString,
    http: Client,
    clock: Arc<dyn Clock>,
    accept_without_audience: bool,
    /// Names of this server at the issuer, besides the URL of the resource.
    audiences: Vec<String>,
    permits: Arc<FairPermits>,
}

/// Creates a verifier that asks the introspection endpoint `url` of `issuer` about each token, as
/// the client `client_id` of the issuer (RFC 7662 §2).
///
/// The answer must name this resource as the audience (`aud`); for an issuer that names none, see
/// [`Introspection::accept_without_audience`]. An answer is used for 30 seconds.
///
/// # Errors
///
/// `url` is not an https URL (http is accepted for this machine).
pub fn introspection(
    issuer: impl Into<String>,
    url: impl Into<String>,
    client_id: impl Into<String>,
    secret: impl Into<String>,
) -> Result<Introspection, ConfigError> {
    let url = url.into();
    parse_endpoint("the introspection endpoint", &url, "tokens travel to it")?;
    let endpoint = IntrospectionEndpoint {
        issuer: issuer.into(),
        url,
        client_id: client_id.into(),
        secret: SecretString::from(secret.into()),
        http: http_client::client()?,
        clock: Arc::new(SystemClock),
        accept_without_audience: false,
        audiences: Vec::new(),
        permits: Arc::default(),
    };
    let cache = Cache::weighted(MAX_CACHE_BYTES, EXPECTED_ANSWERS, ANSWER_TTL);
    let good = Cache::weighted(MAX_CACHE_BYTES, EXPECTED_ANSWERS, STALE_TTL);
    Ok(Introspection { endpoint: Arc::new(endpoint), answers: FetchCache::new(cache), good })
}

/// A response of the endpoint. The claims are parsed later, one by one: one that makes no sense is a
/// fault of the token and not of the issuer.
#[derive(Deserialize)]
struct IntrospectionResponse {
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
    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.endpoint).clock = clock;
        self
    }

    /// Accepts tokens for these audiences (`aud`), besides those for the URL of the resource: for
    /// issuers that know the server under a name of their own. Each name is compared character by
    /// character; there is no wildcard.
    ///
    /// A name that other APIs share, such as that of a project, accepts tokens that were issued for
    /// them, so such a token opens this server with the scopes that it has.
    #[must_use]
    pub fn audience<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into).filter(|name: &String| !name.is_empty());
        Arc::make_mut(&mut self.endpoint).audiences.extend(names);
        self
    }

    /// Accepts tokens for which the issuer names no audience.
    ///
    /// Such a token is valid at every resource, so make sure that the issuer answers only about
    /// tokens for this server: to this client.
    #[must_use]
    pub fn accept_without_audience(mut self) -> Self {
        Arc::make_mut(&mut self.endpoint).accept_without_audience = true;
        self
    }
}

impl IntrospectionEndpoint {
    async fn introspect(&self, token: &str, resource: &str) -> Result<Claims, AuthError> {
        let unavailable = || AuthError::Unavailable { retry_after: Duration::from_secs(5) };
        let request = self
            .http
            .post(&self.url)
            .basic_auth(
                form_encode(&self.client_id),
                Some(form_encode(self.secret.expose_secret())),
            )
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        let response: IntrospectionResponse = fetch_json(request).await.map_err(|error| {
            tracing::error!(target: "toolgate::gate", issuer = %self.issuer, %error, "the issuer cannot be asked about a token");
            unavailable()
        })?;
        self.check(response, resource)
    }

    fn check(&self, response: IntrospectionResponse, resource: &str) -> Result<Claims, AuthError> {
        if !response.active {
            return Err(AuthError::Inactive);
        }
        let text = |value: Option<Value>, name| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(AuthError::Claim(name)),
        };
        if let Some(found) = text(response.iss, "iss")?.filter(|found| *found != self.issuer) {
            let found = escape(&found).into_owned();
            return Err(AuthError::WrongIssuer { found, expected: self.issuer.clone() });
        }
        for name in ["token_use", "token_type", "typ"] {
            let kind = response.extra.get(name).and_then(Value::as_str);
            if let Some(kind) =
                kind.filter(|kind| OTHER_TOKEN_TYPES.contains(&&*kind.to_lowercase()))
            {
                return Err(AuthError::WrongType { found: Some(kind.to_owned()) });
            }
        }
        match response.aud.filter(|audience| !audience.is_null()) {
            None if self.accept_without_audience => {}
            None => return Err(AuthError::Claim("aud")),
            Some(audience) => {
                let found = string_list(Some(&audience)).ok_or(AuthError::Claim("aud"))?;
                let is_ours = |one: &String| one == resource || self.audiences.contains(one);
                if !found.iter().any(is_ours) {
                    let others = self.audiences.iter().map(String::as_str);
                    let expected: Vec<_> = iter::once(resource).chain(others).collect();
                    return Err(wrong_audience(&found, expected.join(" or ")));
                }
            }
        }
        if response.cnf.is_some_and(|cnf| !cnf.is_null()) {
            return Err(AuthError::SenderConstrained);
        }
        let time = |value: Option<Value>, name| match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => numeric_date(Some(&value)).map(Some).ok_or(AuthError::Claim(name)),
        };
        let now = self.clock.now();
        if let Some(start) = time(response.nbf, "nbf")?.filter(|start| *start > now + LEEWAY) {
            let after = start.duration_since(now).unwrap_or_default();
            return Err(AuthError::NotYetValid { after });
        }
        let subject = text(response.sub, "sub")?;
        let client = text(response.client_id, "client_id")?;
        let machine = is_client_credentials(subject.as_deref(), client.as_deref(), &response.extra);
        // Without a subject, all people of a client would be one caller.
        let of_client = client.clone().filter(|_| !names_person(&response.extra));
        let subject = subject.or(of_client).ok_or(AuthError::Claim("sub"))?;
        let mut claims = Claims::new(&self.issuer, subject);
        for (scopes, name) in [
            (response.scope, "scope"),
            (response.scp, "scp"),
            (response.permissions, "permissions"),
        ] {
            let scopes = scopes.filter(|scopes| !scopes.is_null());
            claims = claims.scopes(scope_list(scopes.as_ref()).ok_or(AuthError::Claim(name))?);
        }
        claims = claims.with_extra(response.extra);
        if let Some(end) = time(response.exp, "exp")? {
            claims = claims.expires_at(end);
        }
        if let Some(client) = client {
            claims = claims.client(client);
        }
        Ok(if machine { claims.client_credentials() } else { claims })
    }

    /// How long ago the token expired, leeway included; `None` if it has not.
    fn expired_ago(&self, claims: &Claims) -> Option<Duration> {
        let now = self.clock.now();
        let is_over = |end: &SystemTime| *end + LEEWAY <= now;
        let end = claims.expiration().filter(is_over)?;
        now.duration_since(end).ok()
    }
}

/// The size of an answer in the cache, in bytes. That the issuer was unavailable is not cached.
fn cached_bytes(answer: &Result<Claims, AuthError>) -> Option<u64> {
    match answer {
        Ok(claims) => Some(ANSWER_BYTES + claims.text_bytes()),
        Err(AuthError::Unavailable { .. }) => None,
        Err(error) => Some(ANSWER_BYTES + error.to_string().len() as u64),
    }
}

#[async_trait]
impl Verifier for Introspection {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        if presented.credentials.scheme != Scheme::Bearer {
            return Err(AuthError::Proof("proofs are not taken here"));
        }
        let (token, resource) = (presented.credentials.token(), presented.resource);
        let key = sha256(format!("{resource} {token}").as_bytes());
        let introspect = || {
            let endpoint = Arc::clone(&self.endpoint);
            let (token, resource) = (SecretString::from(token), resource.to_owned());
            let (good, client) = (self.good.clone(), presented.client);
            async move {
                let Some(_permit) = endpoint.permits.acquire(client).await else {
                    // A flood of made-up tokens holds up nobody whose token was good a moment ago.
                    let retry_after = Duration::from_secs(5);
                    return good.get(&key).ok_or(AuthError::Unavailable { retry_after });
                };
                let answer = endpoint.introspect(token.expose_secret(), &resource).await;
                match &answer {
                    Ok(claims) => {
                        let bytes = ANSWER_BYTES + claims.text_bytes();
                        good.insert_weighing(bytes, key, claims.clone());
                    }
                    Err(AuthError::Unavailable { .. }) => {}
                    Err(_) => drop(good.remove(&key)),
                }
                answer
            }
        };
        let answer = self.answers.get_or_fetch(key, cached_bytes, introspect).await;
        let unavailable = Err(AuthError::Unavailable { retry_after: Duration::from_secs(5) });
        let claims = answer.unwrap_or(unavailable)?;
        match self.endpoint.expired_ago(&claims) {
            Some(ago) => Err(AuthError::Expired { ago }),
            None => Ok(claims),
        }
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec![self.endpoint.issuer.clone()]
    }
}

/// Basic authentication has both parts form-encoded (RFC 6749 §2.3.1).
fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Credentials;

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_good_is_good_while_no_request_can_be_made() {
        let verifier =
            introspection("https://a.example", "http://127.0.0.1:1/i", "a", "b").unwrap();
        let resource = "https://tools.example/mcp";
        let verify = async |token: &str| {
            let credentials = Credentials::bearer(token).unwrap();
            verifier.verify(PresentedToken::new(&credentials, resource, "POST")).await
        };
        let key = sha256(format!("{resource} known").as_bytes());
        verifier.good.insert_weighing(1, key, Claims::new("https://a.example", "alice"));
        let all = verifier.endpoint.permits.acquire_all().await;
        assert_eq!(verify("known").await.unwrap().subject(), "alice");
        assert_eq!(verify("made-up").await.unwrap_err().code(), "unavailable");
        drop(all);
        // Otherwise the issuer decides, and it is not there.
        assert_eq!(verify("another").await.unwrap_err().code(), "unavailable");
    }
}
