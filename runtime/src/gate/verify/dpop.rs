//! Proofs of possession (RFC 9449): the token is bound to a key, and its owner shows that key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;
use url::Url;

use super::{
    keys::Key,
    token::{algorithm, part},
};
use crate::gate::{AuthError, Presented};
use crate::support::cache::Cache;

/// How old or early a proof may be.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a nonce is handed out; it is taken for as long again.
const NONCE: Duration = Duration::from_secs(300);

/// How many proofs are remembered, in this process; a flood of them forgets the oldest, within its
/// window.
const MOST: usize = 100_000;

/// The algorithms of proofs.
pub(crate) const PROOF_ALGORITHMS: &[&str] =
    &["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// The longest proof that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// Proofs that were seen, so that none is used twice.
pub(crate) struct Proofs {
    seen: Cache<String, ()>,
    /// What nonces are made with, if they are asked for.
    nonces: Option<hmac::Key>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self::remembering(MOST)
    }
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    jwk: Value,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proofs {
    fn remembering(most: usize) -> Self {
        Self { seen: Cache::new(most, WINDOW * 3), nonces: None }
    }

    pub(crate) fn with_nonce(secret: &[u8]) -> Self {
        Self { nonces: Some(hmac::Key::new(hmac::HMAC_SHA256, secret)), ..Self::default() }
    }

    /// Is the nonce that of this moment, or of the one before?
    fn check_nonce(&self, nonce: Option<&str>, seconds: u64) -> Result<(), AuthError> {
        let Some(key) = &self.nonces else { return Ok(()) };
        let made = |slot: u64| {
            let tag = hmac::sign(key, format!("dpop nonce {slot}").as_bytes());
            BASE64_URL_SAFE_NO_PAD.encode(tag)
        };
        let slot = seconds / NONCE.as_secs();
        let fits =
            |nonce: &str| same(nonce, &made(slot)) || same(nonce, &made(slot.saturating_sub(1)));
        if nonce.is_some_and(fits) { Ok(()) } else { Err(AuthError::Nonce { nonce: made(slot) }) }
    }

    /// Does the proof fit this request, this token and the key that it is bound to (RFC 9449 §4.3)?
    pub(crate) fn check(
        &self,
        presented: &Presented<'_>,
        thumbprint: &str,
        now: SystemTime,
    ) -> Result<(), AuthError> {
        let refuse = |why| Err(AuthError::Proof(why));
        let Some(proof) = presented.credentials.proof() else { return refuse("none came") };
        if proof.len() > LONGEST {
            return refuse("it is too long");
        }
        let malformed = |_| AuthError::Proof("it is not a JWT");
        let Some((message, signature)) = proof.rsplit_once('.') else {
            return refuse("it is not a JWT");
        };
        let Some((head, body)) = message.split_once('.') else { return refuse("it is not a JWT") };
        let header: Header = part(head).map_err(malformed)?;
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
        let Some(key) = Key::of(&jwk).filter(|key| key.fits(algorithm)) else {
            return refuse("its key does not fit its algorithm");
        };
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm);
        if !verified.unwrap_or(false) {
            return refuse("its signature does not fit");
        }
        let found = jwk.thumbprint(ThumbprintHash::SHA256).unwrap_or_default();
        if !same(&found, thumbprint) {
            return refuse("its key is not the one that the token is bound to");
        }
        let claims: Claims = part(body).map_err(malformed)?;
        if claims.htm != presented.method {
            return refuse("it is for another method");
        }
        if !is_for(&claims.htu, presented.resource) {
            return refuse("it is for another URL");
        }
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.check_nonce(claims.nonce.as_deref(), since.as_secs())?;
        if !claims.iat.is_finite()
            || (since.as_secs_f64() - claims.iat).abs() > WINDOW.as_secs_f64()
        {
            return refuse("it is too old, or a clock is wrong");
        }
        let token = digest(&SHA256, presented.credentials.token().as_bytes());
        let token = BASE64_URL_SAFE_NO_PAD.encode(token);
        if !claims.ath.is_some_and(|ath| same(&ath, &token)) {
            return refuse("it is for another token");
        }
        // Last of all, so that nobody but the owner can use an identifier up.
        if claims.jti.is_empty() || !self.is_first(format!("{found} {}", claims.jti)) {
            return refuse("it was used before");
        }
        Ok(())
    }

    fn is_first(&self, proof: String) -> bool {
        self.seen.insert_new(proof, ())
    }
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// Without query and fragment (RFC 9449 §4.3, 9).
fn is_for(htu: &str, resource: &str) -> bool {
    let (Ok(mut htu), Ok(resource)) = (Url::parse(htu), Url::parse(resource)) else { return false };
    htu.set_query(None);
    htu.set_fragment(None);
    htu == resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_proofs_does_not_keep_the_latest_from_being_remembered() {
        let proofs = Proofs::remembering(10);
        for n in 0..1000 {
            assert!(proofs.is_first(format!("flood {n}")));
        }
        assert!(proofs.is_first("mine".to_owned()));
        assert!(!proofs.is_first("mine".to_owned()));
    }

    #[test]
    fn every_algorithm_that_is_named_is_taken() {
        assert!(PROOF_ALGORITHMS.iter().all(|name| algorithm(name).is_some()));
    }
}
