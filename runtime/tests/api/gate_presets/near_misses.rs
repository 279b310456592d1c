//! Near misses that each preset is tried with: good tokens with one fault.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::shapes::Shape;
use crate::issuer::{KEYS, NOW, RESOURCE};

/// A fault of a token.
pub(super) struct NearMiss {
    pub(super) name: &'static str,
    /// The codes with which it may be refused.
    pub(super) codes: &'static [&'static str],
    pub(super) apply: fn(&Shape) -> Applied,
}

/// A token with the fault.
pub(super) enum Applied {
    Token(String),
    /// Tokens of the product have the fault by nature.
    No,
}

use Applied::{No, Token};

fn claims(shape: &Shape, claims: &Value) -> Applied {
    Token(shape.token(&json!({}), claims))
}

fn header(shape: &Shape, header: &Value) -> Applied {
    Token(shape.token(header, &json!({})))
}

fn issuer(shape: &Shape, change: impl Fn(&str) -> String) -> Applied {
    claims(shape, &json!({ "iss": change(shape.claims["iss"].as_str().unwrap()) }))
}

/// A part of a token, without its signature.
fn message(shape: &Shape, header: &Value, claims: &Value) -> String {
    let token = shape.token(header, claims);
    token.rsplit_once('.').unwrap().0.to_owned()
}

/// What `aud` may be refused as: the type or a claim, where those are checked first.
const AUDIENCE: &[&str] = &["wrong_audience"];
const ISSUER: &[&str] = &["wrong_issuer"];

pub(super) const NEAR_MISSES: &[NearMiss] = &[
    NearMiss {
        name: "another tenant, realm, pool or instance",
        codes: ISSUER,
        apply: |shape| claims(shape, &json!({ "iss": shape.other_tenant })),
    },
    NearMiss {
        name: "the issuer with a slash more, or without its slash",
        codes: ISSUER,
        apply: |shape| {
            issuer(shape, |iss| match iss.strip_suffix('/') {
                Some(bare) => bare.to_owned(),
                None => format!("{iss}/"),
            })
        },
    },
    NearMiss {
        name: "the issuer by http",
        codes: ISSUER,
        apply: |shape| issuer(shape, |iss| iss.replacen("https", "http", 1)),
    },
    NearMiss {
        name: "an issuer that begins like the right one",
        codes: ISSUER,
        apply: |shape| issuer(shape, |iss| format!("{iss}.evil.example")),
    },
    NearMiss {
        name: "no issuer",
        codes: &["claim"],
        apply: |shape| claims(shape, &json!({ "iss": null })),
    },
    NearMiss {
        name: "another application or resource",
        codes: AUDIENCE,
        apply: |shape| claims(shape, &json!({ "aud": shape.other_audience })),
    },
    NearMiss {
        name: "the resource with a slash more",
        codes: AUDIENCE,
        apply: |shape| claims(shape, &json!({ "aud": format!("{RESOURCE}/") })),
    },
    NearMiss {
        name: "an audience for all",
        codes: AUDIENCE,
        apply: |shape| claims(shape, &json!({ "aud": ["*", ""] })),
    },
    NearMiss {
        name: "no audience",
        codes: &["claim"],
        apply: |shape| match shape.claims.get("aud") {
            Some(_) => claims(shape, &json!({ "aud": null })),
            None => No,
        },
    },
    NearMiss {
        name: "another client",
        codes: &["wrong_client", "wrong_claim"],
        apply: |shape| match shape.client_claim {
            Some(name) => claims(shape, &json!({ (name): "another" })),
            None => No,
        },
    },
    NearMiss {
        name: "no client",
        codes: &["wrong_client", "wrong_claim"],
        apply: |shape| match shape.client_claim {
            Some(name) => claims(shape, &json!({ (name): null })),
            None => No,
        },
    },
    NearMiss {
        name: "an ID token",
        codes: &["wrong_audience", "wrong_type", "wrong_claim"],
        apply: |shape| Token(shape.token(&shape.id_token.0, &shape.id_token.1)),
    },
    NearMiss {
        name: "a logout token, by its type",
        codes: &["wrong_type"],
        apply: |shape| header(shape, &json!({ "typ": "logout+jwt" })),
    },
    NearMiss {
        name: "a scope of another API, or in a claim that does not count",
        codes: &["insufficient_scope", "wrong_claim"],
        apply: |shape| claims(shape, &shape.foreign_scope),
    },
    NearMiss {
        name: "no scope",
        codes: &["insufficient_scope", "wrong_claim"],
        apply: |shape| {
            let none: Value = shape.scope_claims.iter().map(|name| (*name, Value::Null)).collect();
            claims(shape, &none)
        },
    },
    NearMiss {
        name: "expired",
        codes: &["expired"],
        apply: |shape| claims(shape, &json!({ "exp": NOW - 31 })),
    },
    NearMiss {
        name: "without an end",
        codes: &["claim"],
        apply: |shape| claims(shape, &json!({ "exp": null })),
    },
    NearMiss {
        name: "not yet valid",
        codes: &["not_yet_valid"],
        apply: |shape| claims(shape, &json!({ "nbf": NOW + 60 })),
    },
    NearMiss {
        name: "no subject, of a person",
        codes: &["claim"],
        apply: |shape| claims(shape, &json!({ "sub": null, "username": "alice" })),
    },
    NearMiss {
        name: "`alg` is `none`",
        codes: &["algorithm"],
        apply: |shape| Token(format!("{}.", message(shape, &json!({ "alg": "none" }), &json!({})))),
    },
    NearMiss {
        name: "HS256 with the public key as the secret",
        codes: &["algorithm"],
        apply: |shape| {
            let message = message(shape, &json!({ "alg": "HS256" }), &json!({}));
            let public = serde_json::to_vec(&(shape.key)().jwk).unwrap();
            let key = EncodingKey::from_secret(&public);
            let bytes = message.as_bytes();
            let signature = jsonwebtoken::crypto::sign(bytes, &key, Algorithm::HS256).unwrap();
            Token(format!("{message}.{signature}"))
        },
    },
    NearMiss {
        name: "a key that the issuer does not publish",
        codes: &["unknown_key"],
        apply: |shape| header(shape, &json!({ "kid": "another" })),
    },
    NearMiss {
        name: "signed by a stranger, with the issuer's `kid`",
        codes: &["bad_signature"],
        apply: |shape| {
            let (header, claims) =
                shape.parts(&json!({ "alg": "ES256", "kid": "es256" }), &json!({}));
            Token(KEYS.stranger.sign(&header, &claims))
        },
    },
    NearMiss {
        name: "changed after it was signed",
        codes: &["bad_signature"],
        apply: |shape| {
            let good = shape.token(&json!({}), &json!({}));
            let changed = message(shape, &json!({}), &json!({ "sub": "another-person" }));
            Token(format!("{changed}.{}", good.rsplit_once('.').unwrap().1))
        },
    },
    NearMiss {
        name: "bound to a key, and sent without a proof",
        codes: &["sender_constrained"],
        apply: |shape| claims(shape, &json!({ "cnf": { "jkt": "0ZcOCORZNYy" } })),
    },
    NearMiss {
        name: "a critical header that is not known",
        codes: &["malformed_token"],
        apply: |shape| header(shape, &json!({ "crit": ["exp"] })),
    },
    NearMiss {
        name: "encrypted or opaque",
        codes: &["malformed_token"],
        apply: |_| Token("oat_0ef5a7a33d87ed87ee7954c845d80450".to_owned()),
    },
];
