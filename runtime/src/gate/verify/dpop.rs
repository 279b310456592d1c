//! DPoP: proofs of possession of the key that an access token is bound to (RFC 9449).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    keys::Key,
    replay_window::{ReplayWindow, TooManyUses},
    token::{algorithm, decode_part},
};
use crate::{
    gate::{AuthError, Claims, PresentedToken},
    support::crypto::{base64url, constant_time_eq, sha256, sha256_base64url},
};

/// How far the time of a proof (`iat`) may be from ours.
const MAX_PROOF_AGE: Duration = Duration::from_secs(60);

/// How long a nonce is handed out; it is accepted for as long again.
const NONCE_TTL: Duration = Duration::from_secs(300);

/// The most proofs that are remembered, in this process, a quarter of them of one caller: some 270 calls a
/// second. A flood of four callers makes the oldest usable again before the replay window ends.
const MAX_PROOFS: usize = 200_000;

/// The accepted signature algorithms of proofs.
pub(crate) const PROOF_ALGORITHMS: &[&str] =
    &["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// The longest proof that is parsed, in bytes.
const MAX_PROOF_LEN: usize = 8 * 1024;

/// Verifies proofs, each of which is accepted once.
pub(crate) struct ProofVerifier {
    used: ReplayWindow,
    /// The key of the nonces, if proofs must hold one.
    nonce_key: Option<hmac::Key>,
}

impl Default for ProofVerifier {
    fn default() -> Self {
        Self { used: ReplayWindow::new(MAX_PROOFS, MAX_PROOF_AGE * 3), nonce_key: None }
    }
}

#[derive(Deserialize)]
struct ProofHeader {
    typ: Option<String>,
    alg: String,
    jwk: Value,
}

#[derive(Deserialize)]
struct ProofClaims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

impl ProofVerifier {
    /// Every proof must hold a nonce made with `secret`.
    pub(crate) fn with_nonce(secret: &[u8]) -> Self {
        Self { nonce_key: Some(hmac::Key::new(hmac::HMAC_SHA256, secret)), ..Self::default() }
    }

    /// Checks that the nonce is that of the current period or of the one before.
    fn check_nonce(&self, nonce: Option<&str>, seconds: u64) -> Result<(), AuthError> {
        let Some(key) = &self.nonce_key else { return Ok(()) };
        let nonce_of = |period: u64| {
            let tag = hmac::sign(key, format!("dpop nonce {period}").as_bytes());
            base64url(tag.as_ref())
        };
        let period = seconds / NONCE_TTL.as_secs();
        let fits = |nonce: &str| {
            constant_time_eq(nonce, nonce_of(period))
                || constant_time_eq(nonce, nonce_of(period.saturating_sub(1)))
        };
        if nonce.is_some_and(fits) {
            return Ok(());
        }
        Err(AuthError::Nonce { nonce: nonce_of(period) })
    }

    /// Checks that the proof fits the request, the token and the key that the token of `caller` is bound
    /// to (RFC 9449 §4.3).
    pub(crate) fn check(
        &self,
        presented: &PresentedToken<'_>,
        (caller, thumbprint): (&Claims, &str),
        now: SystemTime,
    ) -> Result<(), AuthError> {
        let refuse = |why| Err(AuthError::Proof(why));
        // The token is bound in a way that no proof fits.
        if thumbprint.is_empty() {
            return Err(AuthError::SenderConstrained);
        }
        let Some(proof) = presented.credentials.proof() else { return refuse("none came") };
        if proof.len() > MAX_PROOF_LEN {
            return refuse("it is too long");
        }
        let malformed = |_| AuthError::Proof("it is not a JWT");
        let Some((message, signature)) = proof.rsplit_once('.') else {
            return refuse("it is not a JWT");
        };
        let Some((head, body)) = message.split_once('.') else { return refuse("it is not a JWT") };
        let header: ProofHeader = decode_part(head).map_err(malformed)?;
        if header.typ.as_deref() != Some("dpop+jwt") {
            return refuse("its type is not dpop+jwt");
        }
        let Some(algorithm) = algorithm(&header.alg) else {
            return refuse("its algorithm is not accepted");
        };
        if ["d", "p", "q", "k"].iter().any(|private| header.jwk.get(private).is_some()) {
            return refuse("it holds a private key");
        }
        let Ok(jwk) = serde_json::from_value::<Jwk>(header.jwk) else {
            return refuse("its key cannot be read");
        };
        let Some(key) = Key::from_jwk(&jwk).filter(|key| key.fits(algorithm)) else {
            return refuse("its key does not fit its algorithm");
        };
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm);
        if !verified.unwrap_or(false) {
            return refuse("its signature does not fit");
        }
        let Ok(found) = jwk.thumbprint(ThumbprintHash::SHA256) else {
            return refuse("its key cannot be read");
        };
        if found.is_empty() || !constant_time_eq(&found, thumbprint) {
            return refuse("its key is not the one that the token is bound to");
        }
        let claims: ProofClaims = decode_part(body).map_err(malformed)?;
        if claims.htm != presented.method {
            return refuse("it is for another method");
        }
        if !is_same_url(&claims.htu, presented.url.unwrap_or(presented.resource)) {
            return refuse("it is for another URL");
        }
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.check_nonce(claims.nonce.as_deref(), since.as_secs())?;
        if !claims.iat.is_finite()
            || (since.as_secs_f64() - claims.iat).abs() > MAX_PROOF_AGE.as_secs_f64()
        {
            return refuse("it is too old, or a clock is wrong");
        }
        let token = sha256_base64url(presented.credentials.token());
        if !claims.ath.is_some_and(|ath| constant_time_eq(&ath, &token)) {
            return refuse("it is for another token");
        }
        // The last check, so that only the owner of the key can use an identifier up.
        let identifier = sha256(format!("{found} {}", claims.jti).as_bytes());
        let owner = sha256(caller.principal().as_bytes());
        let too_many =
            |TooManyUses| AuthError::Proof("its owner has used too many, try again later");
        if claims.jti.is_empty() || !self.used.is_first_use(owner, identifier).map_err(too_many)? {
            return refuse("it was used before");
        }
        Ok(())
    }
}

/// Compares without query and fragment of `htu` (RFC 9449 §4.3, check 9), and without a slash at the
/// end, because the endpoint is found with and without one.
fn is_same_url(htu: &str, resource: &str) -> bool {
    let (Ok(htu), Ok(resource)) = (Url::parse(htu), Url::parse(resource)) else { return false };
    let normal = |mut url: Url| {
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        url
    };
    normal(htu) == normal(resource)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
    };
    use http::{HeaderMap, Uri};
    use jsonwebtoken::{Algorithm, EncodingKey};
    use serde_json::json;

    use super::*;
    use crate::gate::Credentials;

    const RESOURCE: &str = "https://tools.example/mcp";
    const TOKEN: &str = "a-token";

    /// Proofs of one key.
    struct Prover {
        key: EncodingKey,
        jwk: Jwk,
    }

    impl Prover {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
            let key = EncodingKey::from_ec_der(pair.unwrap().as_ref());
            let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
            Self { key, jwk }
        }

        /// Checks the proof with this identifier, with a token of `caller`.
        fn check(&self, verifier: &ProofVerifier, caller: &str, jti: &str) -> Result<(), String> {
            let now = SystemTime::now();
            let iat = now.duration_since(UNIX_EPOCH).unwrap().as_secs();
            let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
            let ath = sha256_base64url(TOKEN);
            let claims =
                json!({ "jti": jti, "htm": "POST", "htu": RESOURCE, "iat": iat, "ath": ath });
            let message = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
            let message = message.join(".");
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256);
            let mut headers = HeaderMap::new();
            headers.insert("authorization", format!("DPoP {TOKEN}").parse().unwrap());
            headers.insert("dpop", format!("{message}.{}", signature.unwrap()).parse().unwrap());
            let credentials = Credentials::read(&headers, &Uri::from_static("/mcp"));
            let credentials = credentials.unwrap().unwrap();
            let presented = PresentedToken::new(&credentials, RESOURCE, "POST");
            let thumbprint = self.jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
            let caller = Claims::new("https://login.example", caller);
            let checked = verifier.check(&presented, (&caller, &*thumbprint), now);
            checked.map_err(|refused| refused.to_string())
        }
    }

    #[test]
    fn one_caller_makes_no_proof_of_another_usable_again() {
        let used = ReplayWindow::new(8, MAX_PROOF_AGE * 3);
        let (verifier, prover) = (ProofVerifier { used, nonce_key: None }, Prover::new());
        let check = |caller, jti: &str| prover.check(&verifier, caller, jti);
        check("alice", "a").unwrap();
        for n in 0..2 {
            check("mallory", &n.to_string()).unwrap();
        }
        for n in 2..100 {
            let refused = check("mallory", &n.to_string()).unwrap_err();
            assert!(refused.contains("has used too many"), "{refused}");
        }
        let replayed = check("alice", "a").unwrap_err();
        assert!(replayed.contains("used before"), "{replayed}");
        check("alice", "b").unwrap();
    }

    #[test]
    fn every_advertised_algorithm_is_accepted() {
        assert!(PROOF_ALGORITHMS.iter().all(|name| algorithm(name).is_some()));
    }

    #[test]
    fn a_proof_is_for_the_url_with_or_without_a_slash_at_its_end() {
        let resource = "https://a.example/mcp";
        for htu in ["https://a.example/mcp", "https://a.example/mcp/", "HTTPS://A.example/mcp?q#f"]
        {
            assert!(is_same_url(htu, resource), "{htu}");
        }
        for htu in ["https://a.example/", "https://b.example/mcp", "http://a.example/mcp", "x", ""]
        {
            assert!(!is_same_url(htu, resource), "{htu}");
        }
    }
}
