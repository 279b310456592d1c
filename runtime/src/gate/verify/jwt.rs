//! JWT access tokens (RFC 9068), verified with the keys of their issuer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;

use super::{
    dpop::{PROOF_ALGORITHMS, ProofVerifier},
    jwks::{HttpKeySource, KeySet},
    keys::{Key, Keys},
    token::{
        JwtClaims, JwtHeader, Lifetime, NOT_A_JWT, ValidClaims, decode_part, unverified_issuer,
    },
    token_rules::TokenRules,
};
use crate::{
    error::ConfigError,
    gate::{AuthError, Claims, PresentedToken, Scheme, Verifier, product::Product},
    support::{
        cache::Cache,
        clock::{Clock, SystemClock},
        crypto::sha256,
        escape::escape,
        http_client,
        url::parse_endpoint,
    },
};

/// How long a verified signature is cached.
const VERIFIED_TTL: Duration = Duration::from_secs(60);

/// The size of all cached tokens, in bytes.
const MAX_CACHE_BYTES: u64 = 16 << 20;

/// How many tokens of a usual size fit.
const EXPECTED_TOKENS: usize = 10_000;

/// The size of a cached token besides its claims, in bytes.
const TOKEN_BYTES: u64 = 512;

/// How far the issuer's clock may differ unless the operator says otherwise, and at most.
const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Verifies JWTs of one issuer. Made by [`oidc`], [`jwks`] or [`keys`], or for a product by its
/// function in [`gate`](crate::gate): [`auth0`](crate::gate::auth0), [`entra`](crate::gate::entra), ..
///
/// The signature is checked with the key of the issuer that the `kid` names, which must fit the
/// algorithm, and never with a key that the token names itself; only asymmetric algorithms are
/// accepted. `iss` and `aud` must match exactly, and `exp` is required. The type must be `at+jwt`, so
/// that an ID token is not accepted as an access token.
///
/// The methods are for issuers that do otherwise. None of them accepts every audience.
pub struct Jwt {
    /// Tells the verifiers of this process apart.
    id: u64,
    pub(super) rules: TokenRules,
    /// The product that the issuer is an instance of.
    product: Option<&'static Product>,
    key_set: KeySet,
    clock: Arc<dyn Clock>,
    leeway: Duration,
    proofs: Option<ProofVerifier>,
    /// Tokens with a valid signature, by their digest.
    verified: Cache<[u8; 32], Arc<VerifiedToken>>,
}

/// A token with a valid signature, and what it was verified for.
struct VerifiedToken {
    verifier_id: u64,
    verified_at: SystemTime,
    resource: String,
    token: ValidClaims,
}

/// Creates a verifier of the JWTs of `issuer`, whose keys are found by discovery (RFC 8414, `OpenID`
/// Connect Discovery).
///
/// # Errors
///
/// The issuer is not an https URL (http is accepted for this machine).
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
    parse_endpoint("the issuer", &issuer, "its keys are fetched from it")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let source = HttpKeySource { http: http_client::client()?, issuer: issuer.clone(), url: None };
    let key_set = KeySet::remote(source, issuer.clone(), Arc::clone(&clock));
    Ok(Jwt::new(issuer, key_set, clock))
}

/// Creates a verifier of the JWTs of `issuer` with the key set at `url` (RFC 7517 §5).
///
/// # Errors
///
/// `url` is not an https URL (http is accepted for this machine).
pub fn jwks(issuer: impl Into<String>, url: impl Into<String>) -> Result<Jwt, ConfigError> {
    let (issuer, url) = (issuer.into(), url.into());
    parse_endpoint("the key set", &url, "tokens are verified by its keys")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (http, url) = (http_client::client()?, Some(url));
    let source = HttpKeySource { http, issuer: issuer.clone(), url };
    let key_set = KeySet::remote(source, issuer.clone(), Arc::clone(&clock));
    Ok(Jwt::new(issuer, key_set, clock))
}

/// Creates a verifier of the JWTs of `issuer` with a fixed key set.
///
/// # Errors
///
/// None of the keys verifies signatures.
pub fn keys(issuer: impl Into<String>, set: &JwkSet) -> Result<Jwt, ConfigError> {
    let keys = Arc::new(verifying_keys(set)?);
    Ok(Jwt::new(issuer.into(), KeySet::Fixed(keys), Arc::new(SystemClock)))
}

fn verifying_keys(set: &JwkSet) -> Result<Keys, ConfigError> {
    let keys = Keys::from_set(set);
    if keys.is_empty() {
        return Err(ConfigError::new("the key set holds no key that verifies signatures")
            .help("RSA of 2048 bits and more, P-256, P-384 and Ed25519 are accepted"));
    }
    Ok(keys)
}

impl Jwt {
    fn new(issuer: String, key_set: KeySet, clock: Arc<dyn Clock>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            rules: TokenRules::new(issuer),
            product: None,
            key_set,
            clock,
            leeway: DEFAULT_LEEWAY,
            proofs: None,
            verified: Cache::weighted(MAX_CACHE_BYTES, EXPECTED_TOKENS, VERIFIED_TTL),
        }
    }

    /// Creates a verifier of the JWTs of `issuer` with the keys of `source`.
    #[cfg(feature = "broker")]
    pub(crate) fn with_key_source(
        issuer: String,
        source: impl crate::gate::KeySource + 'static,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let key_set = KeySet::remote(source, issuer.clone(), Arc::clone(&clock));
        Self::new(issuer, key_set, clock)
    }

    /// Sets the product that the issuer is an instance of, for hints.
    pub(crate) fn of_product(mut self, product: &'static Product) -> Self {
        self.product = Some(product);
        self
    }

    /// Verifies signatures with these keys and fetches none, for tests and for servers that cannot
    /// reach the issuer. Keys that the issuer adds or withdraws are then not noticed.
    ///
    /// # Errors
    ///
    /// None of the keys verifies signatures.
    pub fn fixed_keys(mut self, set: &JwkSet) -> Result<Self, ConfigError> {
        self.key_set = KeySet::Fixed(Arc::new(verifying_keys(set)?));
        Ok(self)
    }

    /// Sets how far the issuer's clock may differ: 30 seconds by default, 5 minutes at most.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Accepts tokens that are bound to a key of their owner, with a proof of possession (DPoP, RFC
    /// 9449). A bound token that is sent as a plain Bearer token is always refused.
    ///
    /// A proof is accepted once in this process. Of several processes, which share no memory, each
    /// accepts it once within two minutes, with [`Jwt::dpop_nonce`] too; where that matters, route the
    /// requests of a client to one process.
    #[must_use]
    pub fn dpop(mut self) -> Self {
        self.proofs = Some(ProofVerifier::default());
        self
    }

    /// As [`Jwt::dpop`], and every proof must hold a nonce of this server, which changes every five
    /// minutes, so that proofs cannot be made in advance (RFC 9449 §9). All replicas need the same
    /// `secret`, of at least 32 random bytes.
    #[must_use]
    pub fn dpop_nonce(mut self, secret: &[u8]) -> Self {
        self.proofs = Some(ProofVerifier::with_nonce(secret));
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        if let KeySet::Remote(remote) = &self.key_set {
            remote.set_clock(Arc::clone(&clock));
        }
        self.clock = clock;
        self
    }

    /// Verifies the signature, the issuer and the audience of a token.
    async fn verify_signature(
        &self,
        token: &str,
        resource: &str,
    ) -> Result<ValidClaims, AuthError> {
        let (message, signature) = token.rsplit_once('.').ok_or(NOT_A_JWT)?;
        let (head, body) = message.split_once('.').ok_or(NOT_A_JWT)?;
        if body.contains('.') {
            return Err(NOT_A_JWT);
        }
        let header: JwtHeader = decode_part(head)?;
        let algorithm = header.check(self.rules.accept_plain)?;
        let kid = header.kid.as_deref();
        let fits = |key: &Key| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm)
                .unwrap_or(false)
        };
        // A token that names no key (RFC 7515 §4.1.4) may be signed with one that is newer than those
        // that are known here.
        let unfit = AtomicBool::new(false);
        let has_key = |keys: &Keys| {
            let found = keys.find(kid, algorithm);
            let is_unfit = kid.is_none() && found.is_some_and(|key| !fits(key));
            unfit.store(is_unfit, Ordering::Relaxed);
            found.is_some() && !is_unfit
        };
        let keys = self.key_set.keys(has_key).await.map_err(|error| match error {
            AuthError::UnknownKey if unfit.load(Ordering::Relaxed) => AuthError::BadSignature,
            error => error,
        });
        let keys = keys.map_err(|error| self.clarify(error, kid, body))?;
        let key = keys.find(kid, algorithm).ok_or(AuthError::UnknownKey)?;
        if kid.is_some() && !fits(key) {
            return Err(self.clarify(AuthError::BadSignature, kid, body));
        }
        let claims: JwtClaims = decode_part(body)?;
        claims.check(&self.rules, resource, header.follows_profile())
    }

    /// Replaces an error by the one that names the cause: a token of another issuer is signed with an
    /// unknown key, but what its owner has to change is the issuer.
    fn clarify(&self, error: AuthError, kid: Option<&str>, body: &str) -> AuthError {
        match unverified_issuer(body) {
            Some(found) if !self.rules.trusts(&found) => {
                let found = escape(&found).into_owned();
                AuthError::WrongIssuer { found, expected: self.rules.expected_issuers() }
            }
            _ if kid.is_none() && error == AuthError::UnknownKey => AuthError::UnnamedKey,
            _ => error,
        }
    }

    /// Verifies a token that is not cached, and caches it if it is valid now.
    async fn verify_uncached(
        &self,
        digest: [u8; 32],
        presented: PresentedToken<'_>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let (text, resource) = (presented.credentials.token(), presented.resource);
        let token = self.verify_signature(text, resource).await?;
        let verified_at = self.clock.now();
        self.check_lifetime(token.lifetime, verified_at)?;
        let resource = resource.to_owned();
        let verified =
            Arc::new(VerifiedToken { verifier_id: self.id, verified_at, resource, token });
        // The claims are no longer than the token.
        let bytes = TOKEN_BYTES + text.len() as u64;
        self.verified.insert_weighing(bytes, digest, Arc::clone(&verified));
        Ok(verified)
    }

    /// Whether a cached token was verified by this verifier, for this resource, and recently.
    fn still_holds(
        &self,
        known: &VerifiedToken,
        presented: PresentedToken<'_>,
        now: SystemTime,
    ) -> bool {
        known.verifier_id == self.id
            && known.resource == presented.resource
            && now.duration_since(known.verified_at).is_ok_and(|age| age < VERIFIED_TTL)
    }

    /// The cached token with this digest. It moves to the cache of the connection as well.
    fn cached(
        &self,
        digest: [u8; 32],
        presented: PresentedToken<'_>,
        now: SystemTime,
    ) -> Option<Arc<VerifiedToken>> {
        let known = self.verified.get(&digest)?;
        if !self.still_holds(&known, presented, now) {
            return None;
        }
        if let Some(cache) = presented.cache {
            cache.set(presented.credentials.token(), Arc::<VerifiedToken>::clone(&known));
        }
        Some(known)
    }

    /// Checks what may change from request to request: the time, the scheme and the proof.
    fn check_request(
        &self,
        presented: PresentedToken<'_>,
        verified: &VerifiedToken,
        now: SystemTime,
    ) -> Result<Claims, AuthError> {
        let token = &verified.token;
        self.check_lifetime(token.lifetime, now)?;
        match (presented.credentials.scheme, &token.bound_to, &self.proofs) {
            (Scheme::Bearer, None, _) => {}
            (Scheme::Dpop, Some(thumbprint), Some(proofs)) => {
                proofs.check(&presented, (&token.claims, &**thumbprint), now)?;
            }
            (Scheme::Dpop, None, _) => {
                return Err(AuthError::Proof("the token is not bound to a key"));
            }
            (_, Some(_), _) => return Err(AuthError::SenderConstrained),
        }
        Ok(token.claims.clone())
    }

    fn check_lifetime(&self, lifetime: Lifetime, now: SystemTime) -> Result<(), AuthError> {
        if lifetime.expires_at + self.leeway <= now {
            let ago = now.duration_since(lifetime.expires_at).unwrap_or_default();
            return Err(AuthError::Expired { ago });
        }
        if let Some(start) = lifetime.not_before.filter(|start| *start > now + self.leeway) {
            let after = start.duration_since(now).unwrap_or_default();
            return Err(AuthError::NotYetValid { after });
        }
        Ok(())
    }
}

#[async_trait]
impl Verifier for Jwt {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let digest = sha256(presented.credentials.token().as_bytes());
        let verified = match self.cached(digest, presented, self.clock.now()) {
            Some(verified) => verified,
            None => self.verify_uncached(digest, presented).await?,
        };
        self.check_request(presented, &verified, self.clock.now())
    }

    fn verify_now(&self, presented: PresentedToken<'_>) -> Option<Result<Claims, AuthError>> {
        let now = self.clock.now();
        let of_connection = presented.credentials.cached();
        let of_connection = of_connection.filter(|known| self.still_holds(known, presented, now));
        let by_digest = || {
            let digest = sha256(presented.credentials.token().as_bytes());
            self.cached(digest, presented, now)
        };
        let verified = of_connection.or_else(by_digest)?;
        Some(self.check_request(presented, &verified, now))
    }

    async fn prepare(&self) -> Result<(), AuthError> {
        self.key_set.keys(|_| true).await.map(drop)
    }

    fn authorization_servers(&self) -> Vec<String> {
        // Where clients sign in. The others of the key set are names of the same server.
        self.rules.issuers.first().cloned().into_iter().collect()
    }

    fn requested_scope_prefix(&self) -> &str {
        &self.rules.scope_prefix
    }

    fn hint(&self, error: &AuthError, resource: &str) -> Option<String> {
        self.product?.hint(error, resource)
    }

    fn host_notes(&self) -> &[&str] {
        self.product.map_or(&[], |product| product.hosts)
    }

    fn proof_algorithms(&self) -> &[&str] {
        if self.proofs.is_some() { PROOF_ALGORITHMS } else { &[] }
    }
}
