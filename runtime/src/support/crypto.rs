//! Digests, message authentication codes, constant-time comparison and random tokens.
//!
//! Random bytes come from the operating system and not from the crypto library, whose generator
//! measures the jitter of the processor before its first output and would delay every start.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The SHA-256 digest.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut found = [0; 32];
    found.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    found
}

/// The SHA-256 digest in base64url. Of a PKCE verifier it is the S256 challenge (RFC 7636 §4.2).
pub(crate) fn sha256_base64url(text: &str) -> String {
    base64url(&sha256(text.as_bytes()))
}

/// The HMAC-SHA-256 in base64url.
pub(crate) fn hmac_sha256_base64url(key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    base64url(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// Base64url without padding (RFC 4648 §5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Equality in a time that depends on the lengths only.
pub(crate) fn constant_time_eq(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}

/// Fills `bytes` with random bytes of the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}

/// 256 random bits in base64url: an unguessable token.
pub(crate) fn random_token() -> String {
    let mut bytes = [0; 32];
    fill_random(&mut bytes);
    base64url(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_tokens_differ_and_have_256_bits() {
        let (one, other) = (random_token(), random_token());
        assert_ne!(one, other);
        assert_eq!([one.len(), other.len()], [43; 2]);
    }

    #[test]
    fn the_challenge_of_rfc_7636_appendix_b() {
        assert_eq!(
            sha256_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn equality_is_of_the_whole() {
        assert!(constant_time_eq("abc", b"abc"));
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!constant_time_eq("abc", other));
        }
    }
}
