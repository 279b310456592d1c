//! Public keys of issuers, and the signature algorithms that each may verify (RFC 7517, RFC 7518).

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse},
};

/// The smallest RSA modulus, in bits (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;

/// The keys of an issuer that can verify a signature.
pub(crate) struct Keys(Vec<Key>);

pub(crate) struct Key {
    kid: Option<String>,
    algorithms: &'static [Algorithm],
    pub(crate) decoding: DecodingKey,
}

impl Keys {
    /// The keys of a set that verify signatures. Symmetric keys do not count: a published one is no
    /// secret.
    pub(crate) fn from_set(set: &JwkSet) -> Self {
        Self(set.keys.iter().filter_map(Key::from_jwk).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this `kid` for the algorithm. Without a `kid`, exactly one key must fit.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        let named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        let mut found = self.0.iter().filter(fits).filter(named);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }
}

impl Key {
    /// The key, if it can verify signatures and its `use` and `key_ops` allow it.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        if matches!(&jwk.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature) {
            return None;
        }
        let operations = jwk.common.key_operations.as_ref();
        if operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
            return None;
        }
        let algorithms: &'static [Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                // A character of base64 has six bits.
                if rsa.n.trim_end_matches('=').len() * 6 < MIN_RSA_BITS {
                    return None;
                }
                &[
                    Algorithm::RS256,
                    Algorithm::RS384,
                    Algorithm::RS512,
                    Algorithm::PS256,
                    Algorithm::PS384,
                    Algorithm::PS512,
                ]
            }
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            _ => return None,
        };
        // A key with an `alg` is for that algorithm only.
        let algorithms = match &jwk.common.key_algorithm {
            Some(named) => {
                let named = named.to_string();
                let at = algorithms.iter().position(|known| format!("{known:?}") == named)?;
                &algorithms[at..=at]
            }
            None => algorithms,
        };
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { kid: jwk.common.key_id.clone(), algorithms, decoding })
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}
