//! An issuer that signs any claims.

use std::{
    sync::{Arc, LazyLock},
    time::UNIX_EPOCH,
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Uri};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use toolgate::{
    gate::{AuthError, Claims, Credentials, PresentedToken, Verifier},
    grant::ManualClock,
};

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const RESOURCE: &str = "https://tools.example/mcp";
/// The time at which everything happens.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) struct SigningKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
    pub(crate) jwk: Jwk,
}

impl SigningKey {
    fn new(kid: &str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        jwk.common.key_algorithm = None;
        Self { algorithm, key, jwk }
    }

    pub(crate) fn p256(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::new(kid, Algorithm::ES256, EncodingKey::from_ec_der(pair.as_ref()))
    }

    fn p384(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        Self::new(kid, Algorithm::ES384, EncodingKey::from_ec_der(pair.as_ref()))
    }

    fn ed25519(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        Self::new(kid, Algorithm::EdDSA, EncodingKey::from_ed_der(pair.as_ref()))
    }

    fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        // PKCS #8 is 26 bytes around PKCS #1 for a key of this size.
        Self::new(kid, Algorithm::RS256, EncodingKey::from_rsa_der(&der.as_ref()[26..]))
    }

    /// A token with just this header and these claims.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Keys of every kind; made once, because RSA takes its time.
pub(crate) struct Issuer {
    pub(crate) es256: SigningKey,
    pub(crate) es384: SigningKey,
    pub(crate) eddsa: SigningKey,
    pub(crate) rs256: SigningKey,
    pub(crate) stranger: SigningKey,
}

pub(crate) static KEYS: LazyLock<Issuer> = LazyLock::new(|| Issuer {
    es256: SigningKey::p256("es256"),
    es384: SigningKey::p384("es384"),
    eddsa: SigningKey::ed25519("eddsa"),
    rs256: SigningKey::rsa("rs256"),
    stranger: SigningKey::p256("es256"),
});

impl Issuer {
    pub(crate) fn set(&self) -> JwkSet {
        let keys = [&self.es256, &self.es384, &self.eddsa, &self.rs256];
        JwkSet { keys: keys.map(|key| key.jwk.clone()).to_vec() }
    }

    /// A good token, with these claims instead of the usual ones; `null` leaves one out.
    pub(crate) fn token(&self, changes: Value) -> String {
        self.es256.sign(&header(json!({})), &claims(changes).to_string())
    }
}

/// The usual header, with these members instead.
pub(crate) fn header(changes: Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "es256" });
    with(header, changes).to_string()
}

pub(crate) fn claims(changes: Value) -> Value {
    let usual = json!({
        "iss": ISSUER,
        "sub": "alice",
        "aud": RESOURCE,
        "exp": NOW + 300,
        "iat": NOW,
        "client_id": "host",
        "scope": "orders:read mail",
    });
    with(usual, changes)
}

pub(crate) fn with(mut usual: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            usual.as_object_mut().unwrap().remove(&name);
        } else {
            usual[name] = value;
        }
    }
    usual
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(UNIX_EPOCH + std::time::Duration::from_secs(NOW)))
}

pub(crate) fn credentials(scheme: &str, token: &str, proof: Option<&str>) -> Credentials {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("{scheme} {token}")).unwrap();
    headers.insert("authorization", value);
    if let Some(proof) = proof {
        headers.insert("dpop", HeaderValue::try_from(proof).unwrap());
    }
    Credentials::read(&headers, &Uri::from_static("/mcp")).unwrap().unwrap()
}

pub(crate) async fn verify(verifier: &impl Verifier, token: &str) -> Result<Claims, AuthError> {
    let credentials = credentials("Bearer", token, None);
    verifier.verify(PresentedToken::new(&credentials, RESOURCE, "POST")).await
}
