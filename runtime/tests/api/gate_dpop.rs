//! Tokens that are bound to a key, and proofs of it (RFC 9449).

use crate::issuer::{ISSUER, KEYS, NOW, RESOURCE, SigningKey, clock, credentials};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::ThumbprintHash;
use serde_json::{Value, json};
use toolgate::gate::{AuthError, Jwt, PresentedToken, Verifier, keys};

struct Owner {
    key: SigningKey,
    token: String,
}

impl Owner {
    fn new() -> Self {
        let key = SigningKey::p256("owner");
        let thumbprint = key.jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
        let token = KEYS.token(json!({ "cnf": { "jkt": thumbprint } }));
        Self { key, token }
    }

    fn header(&self) -> Value {
        let mut jwk = serde_json::to_value(&self.key.jwk).unwrap();
        jwk.as_object_mut().unwrap().remove("kid");
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk })
    }

    fn claims(&self, jti: &str) -> Value {
        let token = digest(&SHA256, self.token.as_bytes());
        json!({
            "jti": jti,
            "htm": "POST",
            "htu": RESOURCE,
            "iat": NOW,
            "ath": BASE64_URL_SAFE_NO_PAD.encode(token),
        })
    }

    fn proof(&self, jti: &str) -> String {
        self.key.sign(&self.header().to_string(), &self.claims(jti).to_string())
    }
}

fn verifier() -> Jwt {
    keys(ISSUER, &KEYS.set()).unwrap().clock(clock()).dpop()
}

async fn show(
    verifier: &Jwt,
    scheme: &str,
    token: &str,
    proof: Option<&str>,
) -> Result<(), AuthError> {
    let credentials = credentials(scheme, token, proof);
    verifier.verify(PresentedToken::new(&credentials, RESOURCE, "POST")).await.map(drop)
}

#[tokio::test]
async fn a_proof_opens_once() {
    let (owner, verifier) = (Owner::new(), verifier());
    let proof = owner.proof("1");
    show(&verifier, "DPoP", &owner.token, Some(&proof)).await.unwrap();
    let again = show(&verifier, "DPoP", &owner.token, Some(&proof)).await.unwrap_err();
    assert!(again.to_string().contains("used before"), "{again}");
    show(&verifier, "dpop", &owner.token, Some(&owner.proof("2"))).await.unwrap();
}

#[tokio::test]
async fn who_has_the_token_alone_has_nothing() {
    let (owner, verifier) = (Owner::new(), verifier());
    let thief = Owner::new();
    let thiefs = thief.key.sign(&thief.header().to_string(), &owner.claims("t").to_string());
    for (name, scheme, proof, code) in [
        ("as Bearer", "Bearer", None, "sender_constrained"),
        ("as Bearer, with a proof", "Bearer", Some(owner.proof("a")), "sender_constrained"),
        ("without a proof", "DPoP", None, "proof"),
        ("with a proof of another key", "DPoP", Some(thiefs), "proof"),
        ("with a proof of another key and token", "DPoP", Some(thief.proof("b")), "proof"),
    ] {
        let refused = show(&verifier, scheme, &owner.token, proof.as_deref()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
    }
    let unbound = KEYS.token(json!({}));
    let refused = show(&verifier, "DPoP", &unbound, Some(&owner.proof("c"))).await.unwrap_err();
    assert_eq!(refused.code(), "proof", "a token that is bound to nothing");
    let off = keys(ISSUER, &KEYS.set()).unwrap().clock(clock());
    let refused = show(&off, "DPoP", &owner.token, Some(&owner.proof("d"))).await.unwrap_err();
    assert_eq!(refused.code(), "sender_constrained", "where proofs are not taken");
}

#[tokio::test]
async fn every_part_of_a_proof_is_checked() {
    let (owner, verifier) = (Owner::new(), verifier());
    let header = |changes: Value| {
        let mut header = owner.header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        owner.key.sign(&header.to_string(), &owner.claims("h").to_string())
    };
    let claims = |changes: Value| {
        let mut claims = owner.claims("c");
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        owner.key.sign(&owner.header().to_string(), &claims.to_string())
    };
    let other = SigningKey::p256("other");
    let mut private = owner.header();
    private["jwk"]["d"] = json!("c2VjcmV0");
    let good = owner.proof("tampered");
    for (name, proof) in [
        ("no type", header(json!({ "typ": null }))),
        ("the type of a token", header(json!({ "typ": "at+jwt" }))),
        ("no algorithm", header(json!({ "alg": "none" }))),
        ("a secret's algorithm", header(json!({ "alg": "HS256" }))),
        ("another key's algorithm", header(json!({ "alg": "RS256" }))),
        ("no key", header(json!({ "jwk": null }))),
        ("a key that is a URL", header(json!({ "jwk": "https://evil.example" }))),
        ("a secret as the key", header(json!({ "jwk": { "kty": "oct", "k": "c2VjcmV0" } }))),
        ("a private key", owner.key.sign(&private.to_string(), &owner.claims("p").to_string())),
        (
            "signed by another",
            other.sign(&owner.header().to_string(), &owner.claims("s").to_string()),
        ),
        ("another method", claims(json!({ "htm": "GET" }))),
        ("a method in small letters", claims(json!({ "htm": "post" }))),
        ("another host", claims(json!({ "htu": "https://evil.example/mcp" }))),
        ("another path", claims(json!({ "htu": "https://tools.example/" }))),
        ("another scheme", claims(json!({ "htu": "http://tools.example/mcp" }))),
        ("no URL", claims(json!({ "htu": "mcp" }))),
        ("too old", claims(json!({ "iat": NOW - 61 }))),
        ("too early", claims(json!({ "iat": NOW + 61 }))),
        ("a time in words", claims(json!({ "iat": "now" }))),
        ("another token", claims(json!({ "ath": "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ" }))),
        ("no token", claims(json!({ "ath": null }))),
        ("no identifier", claims(json!({ "jti": "" }))),
        ("one word", "proof".to_owned()),
        ("the signature cut", good[..good.len() - 4].to_owned()),
        ("too long", format!("{}.b.c", "a".repeat(9000))),
    ] {
        let refused = show(&verifier, "DPoP", &owner.token, Some(&proof)).await.unwrap_err();
        assert_eq!(refused.code(), "proof", "{name}: {refused}");
        assert_eq!(refused.error(), Some("invalid_dpop_proof"), "{name}");
    }
    for (name, proof) in [
        ("a query", claims(json!({ "htu": format!("{RESOURCE}?a=b"), "jti": "q" }))),
        ("a minute's difference", claims(json!({ "iat": NOW - 60, "jti": "m" }))),
    ] {
        show(&verifier, "DPoP", &owner.token, Some(&proof)).await.expect(name);
    }
}

#[tokio::test]
async fn a_proof_holds_the_nonce_of_these_minutes_where_one_is_asked_for() {
    let owner = Owner::new();
    let clock = clock();
    let secret = b"a secret of thirty-two bytes, or more";
    let verifier = keys(ISSUER, &KEYS.set()).unwrap().clock(clock.clone()).dpop_nonce(secret);
    let with = |nonce: &str, jti: &str| {
        let mut claims = owner.claims(jti);
        claims["nonce"] = json!(nonce);
        owner.key.sign(&owner.header().to_string(), &claims.to_string())
    };
    let refused = show(&verifier, "DPoP", &owner.token, Some(&owner.proof("1"))).await.unwrap_err();
    let AuthError::Nonce { nonce } = &refused else { panic!("{refused}") };
    assert_eq!((refused.error(), refused.status().as_u16()), (Some("use_dpop_nonce"), 401));
    show(&verifier, "DPoP", &owner.token, Some(&with(nonce, "2"))).await.unwrap();
    for made_up in ["", "guess", &nonce.to_lowercase()] {
        let refused = show(&verifier, "DPoP", &owner.token, Some(&with(made_up, "3"))).await;
        assert_eq!(refused.unwrap_err().code(), "nonce", "{made_up}");
    }
    let other = keys(ISSUER, &KEYS.set()).unwrap().clock(clock).dpop_nonce(b"another secret");
    let refused = show(&other, "DPoP", &owner.token, Some(&with(nonce, "4"))).await.unwrap_err();
    assert_eq!(refused.code(), "nonce", "of another server");
}

#[test]
fn proofs_are_announced_where_they_are_taken() {
    assert!(verifier().proof_algorithms().contains(&"ES256"));
    assert!(keys(ISSUER, &KEYS.set()).unwrap().proof_algorithms().is_empty());
}
