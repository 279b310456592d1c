//! Access tokens that are JWTs (RFC 9068): verified by the issuer's keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::jwk::JwkSet;

use super::{
    dpop::{PROOF_ALGORITHMS, Proofs},
    jwks::{Source, Web},
    keys::Keys,
    token::{Accepted, Header, NO_JWT, RawClaims, Times, named_issuer, part},
};
use crate::{
    error::ConfigError,
    grant::{Clock, SystemClock},
    support::cache::Cache,
};
use crate::{
    gate::{AuthError, Claims, Presented, Scheme, Verifier},
    support::fetch,
};

/// How long it is remembered that a token was genuine.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many tokens are remembered.
const MOST: usize = 10_000;

/// Verifies JWTs of one issuer. Made by [`oidc`], [`jwks`] or [`keys`].
///
/// The signature is checked with a key of the issuer that the `kid` names and the algorithm fits,
/// never with one that the token brings along; only asymmetric algorithms are accepted. `iss` and
/// `aud` must be exact, `exp` must be there. The type must be `at+jwt`, so that an ID token is not
/// taken for an access token.
pub struct Jwt {
    /// Which verifier it is, of those of this process.
    number: u64,
    issuer: String,
    source: Source,
    clock: Arc<dyn Clock>,
    leeway: Duration,
    plain: bool,
    proofs: Option<Proofs>,
    /// Tokens whose signature was seen to fit, by their digest, with the resource they are for.
    genuine: Cache<[u8; 32], Arc<Genuine>>,
}

struct Genuine {
    /// Of which verifier.
    number: u64,
    since: SystemTime,
    resource: String,
    accepted: Accepted,
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
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let genuine = Cache::new(MOST, REMEMBERED);
        let leeway = Duration::from_secs(30);
        Self { number, issuer, source, clock, leeway, plain: false, proofs: None, genuine }
    }

    /// Verifies JWTs of `issuer` by keys that somebody else keeps.
    #[cfg(feature = "broker")]
    pub(crate) fn by(
        issuer: String,
        source: impl crate::gate::KeySource + 'static,
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
    ///
    /// Each proof opens once, in this process: of several that share no memory each takes it once,
    /// within two minutes. [`Jwt::dpop_nonce`] makes that time no shorter; where it matters, let a
    /// client's requests go to one process.
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
        if let Source::Remote(remote) = &self.source {
            remote.set_clock(Arc::clone(&clock));
        }
        self.clock = clock;
        self
    }

    async fn accept(&self, token: &str, resource: &str) -> Result<Accepted, AuthError> {
        let (message, signature) = token.rsplit_once('.').ok_or(NO_JWT)?;
        let (head, body) = message.split_once('.').ok_or(NO_JWT)?;
        if body.contains('.') {
            return Err(NO_JWT);
        }
        let header: Header = part(head)?;
        let algorithm = header.check(self.plain)?;
        let kid = header.kid.as_deref();
        let keys = self.source.keys(|keys| keys.find(kid, algorithm).is_some()).await;
        let keys = keys.map_err(|refusal| self.plainly(refusal, kid, body))?;
        let key = keys.find(kid, algorithm).ok_or(AuthError::UnknownKey)?;
        let fits =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm);
        if !fits.unwrap_or(false) {
            return Err(self.plainly(AuthError::BadSignature, kid, body));
        }
        // Only now is what it says worth reading.
        let raw: RawClaims = part(body)?;
        raw.check(&self.issuer, resource)
    }

    /// Says what is wrong with a token in the words that help: one of another issuer is signed with
    /// none of our issuer's keys, but that is not what its owner has to mend.
    fn plainly(&self, refusal: AuthError, kid: Option<&str>, body: &str) -> AuthError {
        match named_issuer(body) {
            Some(found) if found != self.issuer => {
                AuthError::WrongIssuer { found, expected: self.issuer.clone() }
            }
            _ if kid.is_none() && refusal == AuthError::UnknownKey => AuthError::UnnamedKey,
            _ => refusal,
        }
    }

    /// Verifies a token that was not seen before; it is remembered if it is good now.
    async fn remember(
        &self,
        key: [u8; 32],
        presented: Presented<'_>,
    ) -> Result<Arc<Genuine>, AuthError> {
        let (token, resource) = (presented.credentials.token(), presented.resource);
        let accepted = self.accept(token, resource).await?;
        let since = self.clock.now();
        self.check_times(accepted.times, since)?;
        let resource = resource.to_owned();
        let genuine = Arc::new(Genuine { number: self.number, since, resource, accepted });
        self.genuine.insert(key, Arc::clone(&genuine));
        Ok(genuine)
    }

    /// Is what is known of a token known by this verifier, for this resource, and not for too long?
    fn still_holds(&self, known: &Genuine, presented: Presented<'_>, now: SystemTime) -> bool {
        known.number == self.number
            && known.resource == presented.resource
            && now.duration_since(known.since).is_ok_and(|age| age < REMEMBERED)
    }

    /// What is known of the token by its digest; its connection knows it from then on.
    fn recall(
        &self,
        key: [u8; 32],
        presented: Presented<'_>,
        now: SystemTime,
    ) -> Option<Arc<Genuine>> {
        let known = self.genuine.get(&key)?;
        if !self.still_holds(&known, presented, now) {
            return None;
        }
        if let Some(memory) = presented.memory {
            memory.keep(presented.credentials.token(), Arc::<Genuine>::clone(&known));
        }
        Some(known)
    }

    /// Is a genuine token good now, as it came?
    fn judge(
        &self,
        presented: Presented<'_>,
        genuine: &Genuine,
        now: SystemTime,
    ) -> Result<Claims, AuthError> {
        let accepted = &genuine.accepted;
        self.check_times(accepted.times, now)?;
        match (presented.credentials.scheme, &accepted.bound, &self.proofs) {
            (Scheme::Bearer, None, _) => {}
            (Scheme::Dpop, Some(thumbprint), Some(proofs)) => {
                proofs.check(&presented, thumbprint, now)?;
            }
            (Scheme::Dpop, None, _) => {
                return Err(AuthError::Proof("the token is not bound to a key"));
            }
            (_, Some(_), _) => return Err(AuthError::SenderConstrained),
        }
        Ok(accepted.claims.clone())
    }

    fn check_times(&self, times: Times, now: SystemTime) -> Result<(), AuthError> {
        if times.expires_at + self.leeway <= now {
            let ago = now.duration_since(times.expires_at).unwrap_or_default();
            return Err(AuthError::Expired { ago });
        }
        if times.not_before.is_some_and(|start| start > now + self.leeway) {
            return Err(AuthError::NotYetValid);
        }
        Ok(())
    }
}

#[async_trait]
impl Verifier for Jwt {
    async fn verify(&self, presented: Presented<'_>) -> Result<Claims, AuthError> {
        let key = digest_of(presented.credentials.token());
        let genuine = match self.recall(key, presented, self.clock.now()) {
            Some(genuine) => genuine,
            None => self.remember(key, presented).await?,
        };
        self.judge(presented, &genuine, self.clock.now())
    }

    fn verify_now(&self, presented: Presented<'_>) -> Option<Result<Claims, AuthError>> {
        let now = self.clock.now();
        let of_connection = presented.credentials.known();
        let of_connection = of_connection.filter(|known| self.still_holds(known, presented, now));
        let by_digest = || self.recall(digest_of(presented.credentials.token()), presented, now);
        let genuine = of_connection.or_else(by_digest)?;
        Some(self.judge(presented, &genuine, now))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec![self.issuer.clone()]
    }

    fn proof_algorithms(&self) -> &[&str] {
        if self.proofs.is_some() { PROOF_ALGORITHMS } else { &[] }
    }
}

fn digest_of(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}
