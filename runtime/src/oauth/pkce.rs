//! Proof keys (RFC 7636): a code is redeemed only by whoever asked for it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use crate::support::random;

/// What the browser carries to the provider: the verifier's digest.
#[derive(Debug)]
pub(crate) struct Challenge(String);

/// What redeems the code.
#[derive(Debug)]
pub(crate) struct Verifier(SecretString);

/// A verifier of 256 random bits, and its challenge, by the method S256.
pub(crate) fn random() -> (Challenge, Verifier) {
    let verifier = Verifier::new(random::text());
    (Challenge::of(&verifier), verifier)
}

impl Challenge {
    fn of(verifier: &Verifier) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.secret().as_bytes())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Verifier {
    /// One that was kept while the browser was away.
    pub(crate) fn new(text: String) -> Self {
        Self(text.into())
    }

    pub(crate) fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = Verifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let challenge = Challenge::of(&verifier);
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(!format!("{verifier:?}").contains(verifier.secret()));
    }
}
