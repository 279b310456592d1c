//! Access tokens that are JWTs (RFC 9068): verified by the issuer's keys.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, jwk::JwkSet};
use moka::sync::Cache;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Claims, Presented, Refusal, Scheme, Verifier,
    dpop::Proofs,
    fetch,
    jwks::{Source, Web},
    keys::Keys,
};
use crate::{
    error::ConfigError,
    grant::{Clock, SystemClock},
};

/// How long it is remembered that a token was genuine.
const REMEMBERED: Duration = Duration::from_secs(60);

const NO_JWT: Refusal = Refusal::Malformed("the token is not a JWT");

/// How many tokens are remembered.
const MOST: u64 = 10_000;

/// Verifies JWTs of one issuer. Made by [`oidc`], [`jwks`] or [`keys`].
///
/// The signature is checked with a key of the issuer that the `kid` names and the algorithm fits,
/// never with one that the token brings along; only asymmetric algorithms are accepted. `iss` and
/// `aud` must be exact, `exp` must be there. The type must be `at+jwt`, so that an ID token is not
/// taken for an access token.
pub struct Jwt {
    issuer: String,
    source: Source,
    clock: Arc<dyn Clock>,
    leeway: Duration,
    plain: bool,
    proofs: Option<Proofs>,
    /// Tokens whose signature was seen to fit, by their digest and resource.
    genuine: Cache<[u8; 32], Arc<Accepted>>,
}

struct Accepted {
    claims: Claims,
    raw: Times,
    /// The thumbprint of the key that it is bound to.
    bound: Option<String>,
}

#[derive(Clone, Copy)]
struct Times {
    expires_at: SystemTime,
    not_before: Option<SystemTime>,
}

/// Verifies JWTs of `issuer`, which is discovered (RFC 8414, `OpenID` Connect Discovery).
///
/// # Errors
///
/// The issuer is no https URL (http is accepted for this machine).
///
/// ```
/// use toolgate::gate::{Gate, oidc};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(oidc("https://login.example")?).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn oidc(issuer: impl Into<String>) -> Result<Jwt, ConfigError> {
    let issuer = issuer.into();
    fetch::parse(&issuer)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let web = Web { http: fetch::client()?, issuer: issuer.clone(), url: None };
    let source = Source::remote(web, issuer.clone(), Arc::clone(&clock));
    Ok(Jwt::new(issuer, source, clock))
}

/// Verifies JWTs of `issuer` by the keys at `url` (RFC 7517 §5).
///
/// # Errors
///
/// One of them is no https URL (http is accepted for this machine).
pub fn jwks(issuer: impl Into<String>, url: impl Into<String>) -> Result<Jwt, ConfigError> {
    let (issuer, url) = (issuer.into(), url.into());
    fetch::parse(&url)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let web = Web { http: fetch::client()?, issuer: issuer.clone(), url: Some(url) };
    let source = Source::remote(web, issuer.clone(), Arc::clone(&clock));
    Ok(Jwt::new(issuer, source, clock))
}

/// Verifies JWTs of `issuer` by these keys.
///
/// # Errors
///
/// None of the keys verifies signatures.
pub fn keys(issuer: impl Into<String>, set: &JwkSet) -> Result<Jwt, ConfigError> {
    let keys = Keys::of(set);
    if keys.is_empty() {
        return Err(ConfigError::new("the key set holds no key that verifies signatures")
            .help("RSA of 2048 bits and more, P-256, P-384 and Ed25519 are accepted"));
    }
    Ok(Jwt::new(issuer.into(), Source::Fixed(Arc::new(keys)), Arc::new(SystemClock)))
}

impl Jwt {
    fn new(issuer: String, source: Source, clock: Arc<dyn Clock>) -> Self {
        let genuine = Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build();
        let leeway = Duration::from_secs(30);
        Self { issuer, source, clock, leeway, plain: false, proofs: None, genuine }
    }

    /// Verifies JWTs of `issuer` by keys that somebody else keeps.
    #[cfg(feature = "broker")]
    pub(crate) fn by(
        issuer: String,
        source: impl super::KeySource + 'static,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = Source::remote(source, issuer.clone(), Arc::clone(&clock));
        Self::new(issuer, source, clock)
    }

    /// Accepts tokens of the type `JWT`, or of none, for issuers that do not follow RFC 9068.
    ///
    /// An ID token has the same type. It is refused by its audience, which is a client and not this
    /// resource; so be sure that no client has the resource's URL as its identifier.
    #[must_use]
    pub fn accept_plain_jwt(mut self) -> Self {
        self.plain = true;
        self
    }

    /// How far the issuer's clock may differ; 30 s if nothing is said, and 5 minutes at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(Duration::from_secs(300));
        self
    }

    /// Takes tokens that are bound to a key of their owner, with a proof of it (RFC 9449). Tokens
    /// that are bound and come as plain Bearer are refused in any case.
    #[must_use]
    pub fn dpop(mut self) -> Self {
        self.proofs = Some(Proofs::default());
        self
    }

    /// As [`Jwt::dpop`], and every proof holds a nonce of this server's, which changes every five
    /// minutes: so proofs cannot be made in advance (RFC 9449 §9). Replicas need one `secret`, of
    /// 32 random bytes or more.
    #[must_use]
    pub fn dpop_nonce(mut self, secret: &[u8]) -> Self {
        self.proofs = Some(Proofs::with_nonce(secret));
        self
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        if let Source::Remote(remote) = &mut self.source {
            remote.set_clock(Arc::clone(&clock));
        }
        self.clock = clock;
        self
    }

    async fn accept(&self, token: &str, resource: &str) -> Result<Arc<Accepted>, Refusal> {
        let (message, signature) = token.rsplit_once('.').ok_or(NO_JWT)?;
        let (head, body) = message.split_once('.').ok_or(NO_JWT)?;
        if body.contains('.') {
            return Err(NO_JWT);
        }
        let header: Header = part(head)?;
        let algorithm = header.check(self.plain)?;
        let kid = header.kid.as_deref();
        let keys = self.source.keys(|keys| keys.find(kid, algorithm).is_some()).await?;
        let key = keys.find(kid, algorithm).ok_or(Refusal::UnknownKey)?;
        let fits =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm);
        if !fits.unwrap_or(false) {
            return Err(Refusal::BadSignature);
        }
        // Only now is what it says worth reading.
        let raw: RawClaims = part(body)?;
        raw.check(&self.issuer, resource).map(Arc::new)
    }

    fn check_times(&self, times: Times) -> Result<(), Refusal> {
        let now = self.clock.now();
        if times.expires_at + self.leeway <= now {
            let ago = now.duration_since(times.expires_at).unwrap_or_default();
            return Err(Refusal::Expired { ago });
        }
        if times.not_before.is_some_and(|start| start > now + self.leeway) {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}

#[async_trait]
impl Verifier for Jwt {
    async fn verify(&self, presented: Presented<'_>) -> Result<Claims, Refusal> {
        let token = presented.credentials.token();
        let key = fingerprint(token, presented.resource);
        let accepted = match self.genuine.get(&key) {
            Some(accepted) => accepted,
            None => {
                let accepted = self.accept(token, presented.resource).await?;
                self.check_times(accepted.raw)?;
                self.genuine.insert(key, Arc::clone(&accepted));
                accepted
            }
        };
        self.check_times(accepted.raw)?;
        match (presented.credentials.scheme, &accepted.bound, &self.proofs) {
            (Scheme::Bearer, None, _) => {}
            (Scheme::Dpop, Some(thumbprint), Some(proofs)) => {
                proofs.check(&presented, thumbprint, self.clock.now())?;
            }
            (Scheme::Dpop, None, _) => {
                return Err(Refusal::Proof("the token is not bound to a key"));
            }
            (_, Some(_), _) => return Err(Refusal::SenderConstrained),
        }
        Ok(accepted.claims.clone())
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec![self.issuer.clone()]
    }
}

fn fingerprint(token: &str, resource: &str) -> [u8; 32] {
    let digest = digest(&SHA256, format!("{resource} {token}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(digest.as_ref());
    key
}

pub(super) fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NO_JWT)?;
    serde_json::from_slice(&bytes).map_err(|_| NO_JWT)
}

/// The header. What else stands in it (`jku`, `jwk`, `x5u`, `x5c`) is not looked at, let alone
/// followed.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
}

/// The algorithms that a key of one's own cannot be confused with.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

impl Header {
    fn check(&self, plain: bool) -> Result<Algorithm, Refusal> {
        // What must be understood and is not (RFC 7515 §4.1.11).
        if self.crit.is_some() {
            return Err(Refusal::Malformed(
                "the token has a critical header that is not known here",
            ));
        }
        let typ = self.typ.as_deref().map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        let fits = matches!(typ, Some("at+jwt")) || plain && matches!(typ, None | Some("jwt"));
        if !fits {
            return Err(Refusal::WrongType { found: self.typ.clone() });
        }
        algorithm(&self.alg).ok_or(Refusal::Algorithm)
    }
}

#[derive(Deserialize)]
struct RawClaims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
    scp: Option<Value>,
    permissions: Option<Value>,
    client_id: Option<Value>,
    azp: Option<Value>,
    cnf: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl RawClaims {
    fn check(self, issuer: &str, resource: &str) -> Result<Accepted, Refusal> {
        match &self.iss {
            Some(Value::String(found)) if found == issuer => {}
            Some(Value::String(found)) => {
                let (found, expected) = (found.clone(), issuer.to_owned());
                return Err(Refusal::WrongIssuer { found, expected });
            }
            _ => return Err(Refusal::Claim("iss")),
        }
        let found = strings(self.aud.as_ref()).ok_or(Refusal::Claim("aud"))?;
        if !found.iter().any(|audience| audience == resource) {
            return Err(Refusal::WrongAudience { found, expected: resource.to_owned() });
        }
        let expires_at = moment(self.exp.as_ref()).ok_or(Refusal::Claim("exp"))?;
        let not_before = match &self.nbf {
            Some(value) => Some(moment(Some(value)).ok_or(Refusal::Claim("nbf"))?),
            None => None,
        };
        // Who issues in the future has a clock that nothing can be said by.
        let issued_at = match &self.iat {
            Some(value) => Some(moment(Some(value)).ok_or(Refusal::Claim("iat"))?),
            None => None,
        };
        let text = |value: &Option<Value>, name| match value {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::Claim(name)),
        };
        let client = text(&self.client_id, "client_id")?.or(text(&self.azp, "azp")?);
        let subject = text(&self.sub, "sub")?;
        let machine = match (&subject, &client) {
            (Some(subject), Some(client)) => {
                subject == client
                    || subject.strip_suffix("@clients") == Some(client)
                    || self.extra.get("gty").is_some_and(|gty| gty == "client-credentials")
            }
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => return Err(Refusal::Claim("sub")),
        };
        let subject = subject.or_else(|| client.clone()).unwrap_or_default();
        let mut scopes = words(self.scope.as_ref()).ok_or(Refusal::Claim("scope"))?;
        scopes.extend(words(self.scp.as_ref()).ok_or(Refusal::Claim("scp"))?);
        scopes.extend(words(self.permissions.as_ref()).ok_or(Refusal::Claim("permissions"))?);

        // Bound in another way (a certificate) is bound all the same, and nothing here proves it.
        let thumbprint = |cnf: &Value| cnf.get("jkt").and_then(Value::as_str).map(str::to_owned);
        let bound = self.cnf.as_ref().map(|cnf| thumbprint(cnf).unwrap_or_default());
        let mut claims =
            Claims::new(issuer, subject).scopes(scopes).until(expires_at).with_extra(self.extra);
        if let Some(client) = client {
            claims = claims.client(client);
        }
        if machine {
            claims = claims.of_machine();
        }
        let raw = Times { expires_at, not_before: not_before.max(issued_at) };
        Ok(Accepted { claims, raw, bound })
    }
}

/// A text, or a list of texts.
fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => {
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()
        }
        _ => None,
    }
}

/// Scopes: words in a text, or a list of them; none if there is no claim.
fn words(value: Option<&Value>) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    let texts = strings(Some(value))?;
    Some(
        texts
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// Seconds since 1970 (RFC 7519 §2), up to the year 9999.
fn moment(value: Option<&Value>) -> Option<SystemTime> {
    let seconds = value?.as_f64()?;
    let sane = (0.0..=253_402_300_799.0).contains(&seconds);
    sane.then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds))
}
