//! Tokens that are forged, borrowed, old or odd, each told apart.

mod claims;
mod options;
mod signature;

use serde_json::json;
use toolgate::gate::{Jwt, keys};

use crate::issuer::{self, ISSUER, KEYS, RESOURCE, SigningKey, claims, clock, verify};

fn verifier() -> Jwt {
    keys(ISSUER, &KEYS.set()).unwrap().clock(clock())
}

/// Every case has a name, a token and the code with which it is refused; `ok` is let in.
async fn judge(verifier: &Jwt, cases: Vec<(&str, String, &str)>) {
    for (name, token, expected) in cases {
        let found = match verify(verifier, &token).await {
            Ok(_) => "ok",
            Err(refusal) => {
                let said = refusal.to_string();
                assert!(!said.contains(&token), "{name}: the token is repeated: {said}");
                refusal.code()
            }
        };
        assert_eq!(found, expected, "{name}");
    }
}

fn good() -> String {
    KEYS.token(json!({}))
}

#[tokio::test]
async fn good_tokens_of_every_kind_are_let_in() {
    let body = claims(json!({})).to_string();
    let of = |key: &SigningKey, alg: &str, kid: &str| {
        key.sign(&issuer::header(json!({ "alg": alg, "kid": kid })), &body)
    };
    judge(
        &verifier(),
        vec![
            ("ES256", of(&KEYS.es256, "ES256", "es256"), "ok"),
            ("ES384", of(&KEYS.es384, "ES384", "es384"), "ok"),
            ("EdDSA", of(&KEYS.eddsa, "EdDSA", "eddsa"), "ok"),
            ("RS256", of(&KEYS.rs256, "RS256", "rs256"), "ok"),
            (
                "the long type",
                KEYS.es256.sign(&issuer::header(json!({ "typ": "application/at+jwt" })), &body),
                "ok",
            ),
            (
                "the type in capitals",
                KEYS.es256.sign(&issuer::header(json!({ "typ": "AT+JWT" })), &body),
                "ok",
            ),
            (
                "no kid, and one key fits",
                KEYS.es256.sign(&issuer::header(json!({ "kid": null })), &body),
                "ok",
            ),
            (
                "several audiences",
                KEYS.token(json!({ "aud": ["https://a.example", RESOURCE] })),
                "ok",
            ),
            ("a fraction of a second", KEYS.token(json!({ "exp": 1_800_000_100.5 })), "ok"),
        ],
    )
    .await;
}
