//! Issuer of access tokens, for tests.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Map, Value, json};

use super::RESOURCE;
use crate::{gate, gate::Jwt, support::crypto};

/// An authorization server that signs any claims, with a key of its own.
#[derive(Clone)]
pub struct Issuer(Arc<Keys>);

struct Keys {
    signing: EncodingKey,
    published: JwkSet,
}

impl Issuer {
    /// The issuer identifier: `iss` of its tokens.
    pub const NAME: &'static str = "https://issuer.test";

    /// Creates an issuer with a new key.
    ///
    /// # Panics
    ///
    /// No key can be made: the system has no randomness.
    pub fn new() -> Self {
        Self::with_key(&new_key()).expect("a key that was just made has a public half")
    }

    /// The issuer with this key, as [`new_key`] makes it; `None` if it is something else.
    pub(crate) fn with_key(pkcs8: &[u8]) -> Option<Self> {
        // The encoding key is not checked before it signs.
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        let signing = EncodingKey::from_ec_der(pkcs8);
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::ES256).ok()?;
        jwk.common.key_id = Some("testing".to_owned());
        Some(Self(Arc::new(Keys { signing, published: JwkSet { keys: vec![jwk] } })))
    }

    /// Returns the verifier of the issuer's tokens, which is the one for real issuers.
    ///
    /// # Panics
    ///
    /// Never: the key set has a key.
    pub fn verifier(&self) -> Jwt {
        gate::keys(Self::NAME, &self.0.published).expect("the set has a key")
    }

    /// Returns the public keys (RFC 7517).
    pub fn jwks(&self) -> &JwkSet {
        &self.0.published
    }

    /// Signs a token whose claims are these bytes, JSON or not, to test that it is refused.
    pub fn signed(&self, claims: &[u8]) -> String {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "testing" }).to_string();
        let part = crypto::base64url;
        let message = format!("{}.{}", part(header.as_bytes()), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.0.signing, Algorithm::ES256)
                .expect("the key signs");
        format!("{message}.{signature}")
    }

    /// Creates a token of this subject, for [`RESOURCE`], valid for five minutes, without scopes.
    pub fn token(&self, subject: impl Into<String>) -> Token {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = json!({
            "iss": Self::NAME,
            "sub": subject.into(),
            "aud": RESOURCE,
            "iat": now.as_secs(),
            "exp": (now + Duration::from_mins(5)).as_secs(),
            "client_id": "testing",
        });
        Token { issuer: self.clone(), claims: claims.as_object().cloned().unwrap_or_default() }
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
}

/// A new key of an issuer (PKCS #8).
pub(crate) fn new_key() -> Vec<u8> {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .expect("the system has randomness");
    pair.as_ref().to_vec()
}

/// A builder of an access token; [`Display`](fmt::Display) signs it.
#[derive(Clone)]
pub struct Token {
    issuer: Issuer,
    claims: Map<String, Value>,
}

impl Token {
    /// Sets the scopes, separated by spaces (RFC 6749 §3.3).
    #[must_use]
    pub fn scopes(self, scopes: impl Into<String>) -> Self {
        self.claim("scope", scopes.into())
    }

    /// Sets an expiration (`exp`) of one minute ago.
    #[must_use]
    pub fn expired(self) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.claim("exp", now.as_secs().saturating_sub(60))
    }

    /// Sets the audience (`aud`).
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.claim("aud", audience.into())
    }

    /// Makes it a token of the client credentials grant, without a user (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(self) -> Self {
        let client = self.claims.get("client_id").cloned().unwrap_or_default();
        self.claim("sub", client)
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims = Value::Object(self.claims.clone()).to_string();
        f.write_str(&self.issuer.signed(claims.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("subject", &self.claims.get("sub")).finish_non_exhaustive()
    }
}
