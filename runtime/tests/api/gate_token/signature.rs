//! The shape of a token, its algorithm, key and signature.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use toolgate::gate::keys;

use super::{good, judge, verifier};
use crate::issuer::{self, ISSUER, KEYS, NOW, RESOURCE, SigningKey, claims, clock, verify};

#[tokio::test]
async fn shapes() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let encode = |text: &str| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(text)
    };
    judge(
        &verifier(),
        vec![
            ("one word", "opaque".into(), "malformed_token"),
            ("two parts", format!("{head}.{body}"), "malformed_token"),
            ("four parts", format!("{token}.x"), "malformed_token"),
            ("five parts, as if encrypted", format!("{token}.x.y"), "malformed_token"),
            ("no signature", format!("{head}.{body}."), "bad_signature"),
            ("no body", format!("{head}..{signature}"), "bad_signature"),
            ("no header", format!(".{body}.{signature}"), "malformed_token"),
            ("dots only", "..".replace("..", "-.-.-"), "malformed_token"),
            ("a header that is a list", KEYS.es256.sign("[]", "{}"), "malformed_token"),
            (
                "a header that is no JSON",
                format!("{}.{body}.{signature}", encode("{")),
                "malformed_token",
            ),
            (
                "alg twice",
                KEYS.es256.sign(
                    r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"es256"}"#,
                    &claims(json!({})).to_string(),
                ),
                "malformed_token",
            ),
            (
                "kid that is a number",
                KEYS.es256.sign(r#"{"alg":"ES256","typ":"at+jwt","kid":1}"#, "{}"),
                "malformed_token",
            ),
            (
                "claims that are a list",
                KEYS.es256.sign(&issuer::header(json!({})), "[]"),
                "malformed_token",
            ),
            (
                "exp twice",
                KEYS.es256.sign(
                    &issuer::header(json!({})),
                    &format!(
                        r#"{{"iss":"{ISSUER}","sub":"a","aud":"{RESOURCE}","exp":1,"exp":{}}}"#,
                        NOW + 9
                    ),
                ),
                "malformed_token",
            ),
            (
                "another body under the signature",
                format!(
                    "{head}.{}.{signature}",
                    encode(&claims(json!({ "sub": "bob" })).to_string())
                ),
                "bad_signature",
            ),
            (
                "another header under the signature",
                format!("{}.{body}.{signature}", encode(&issuer::header(json!({ "x": 1 })))),
                "bad_signature",
            ),
            (
                "the signature cut",
                format!("{head}.{body}.{}", &signature[..signature.len() - 2]),
                "bad_signature",
            ),
            (
                "a signature of zeros",
                format!("{head}.{body}.{}", encode(&"\0".repeat(64))),
                "bad_signature",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn algorithms_and_keys() {
    let body = claims(json!({})).to_string();
    let sign = |header: Value| KEYS.es256.sign(&issuer::header(header), &body);
    let jwk = serde_json::to_value(&KEYS.stranger.jwk).unwrap();
    let public = serde_json::to_vec(&KEYS.rs256.jwk).unwrap();
    // The public key as a secret: a verifier that trusts the algorithm of the header accepts it.
    let confused = SigningKey {
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(&public),
        jwk: KEYS.rs256.jwk.clone(),
    };
    let unsigned = |alg: &str| {
        let token = sign(json!({ "alg": alg }));
        token[..=token.rfind('.').unwrap()].to_owned()
    };
    judge(
        &verifier(),
        vec![
            ("none", unsigned("none"), "algorithm"),
            ("None", unsigned("None"), "algorithm"),
            ("NONE", unsigned("NONE"), "algorithm"),
            ("nOnE with a signature", sign(json!({ "alg": "nOnE" })), "algorithm"),
            ("empty", sign(json!({ "alg": "" })), "algorithm"),
            (
                "HS256 with the public key",
                confused.sign(&issuer::header(json!({ "alg": "HS256", "kid": "rs256" })), &body),
                "algorithm",
            ),
            ("HS384", sign(json!({ "alg": "HS384" })), "algorithm"),
            ("HS512", sign(json!({ "alg": "HS512" })), "algorithm"),
            ("ES256K", sign(json!({ "alg": "ES256K" })), "algorithm"),
            ("es256", sign(json!({ "alg": "es256" })), "algorithm"),
            ("dir", sign(json!({ "alg": "dir", "enc": "A256GCM" })), "algorithm"),
            ("a key of another kind", sign(json!({ "alg": "RS256" })), "unknown_key"),
            (
                "the right kind, another key",
                sign(json!({ "alg": "ES384", "kid": "es384" })),
                "bad_signature",
            ),
            ("a key that is not there", sign(json!({ "kid": "es257" })), "unknown_key"),
            ("an empty kid", sign(json!({ "kid": "" })), "unknown_key"),
            ("a kid that is a path", sign(json!({ "kid": "../../dev/null" })), "unknown_key"),
            ("a kid that is SQL", sign(json!({ "kid": "x' OR '1'='1" })), "unknown_key"),
            ("a kid with NUL", sign(json!({ "kid": "es256\0" })), "unknown_key"),
            (
                "a kid that is a URL",
                sign(json!({ "kid": "https://evil.example/key" })),
                "unknown_key",
            ),
            (
                "signed by a stranger under our kid",
                KEYS.stranger.sign(&issuer::header(json!({})), &body),
                "bad_signature",
            ),
            (
                "the stranger's key brought along",
                KEYS.stranger.sign(&issuer::header(json!({ "jwk": jwk })), &body),
                "bad_signature",
            ),
            (
                "the stranger's key set",
                KEYS.stranger
                    .sign(&issuer::header(json!({ "jku": "http://127.0.0.1:1/jwks" })), &body),
                "bad_signature",
            ),
            (
                "the stranger's certificate",
                KEYS.stranger.sign(
                    &issuer::header(json!({ "x5u": "http://127.0.0.1:1/c", "x5c": ["MII"] })),
                    &body,
                ),
                "bad_signature",
            ),
            ("something critical", sign(json!({ "crit": ["exp"], "exp": 1 })), "malformed_token"),
            ("nothing critical", sign(json!({ "crit": [] })), "malformed_token"),
            (
                "unencoded (RFC 7797)",
                sign(json!({ "b64": false, "crit": ["b64"] })),
                "malformed_token",
            ),
        ],
    )
    .await;
}

#[test]
fn a_set_without_a_key_for_signatures_is_refused_at_start() {
    let mut encrypts = KEYS.es256.jwk.clone();
    encrypts.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Encryption);
    let secret = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] });
    let secret: jsonwebtoken::jwk::JwkSet = serde_json::from_value(secret).unwrap();
    let short =
        json!({ "keys": [{ "kty": "RSA", "e": "AQAB", "n": format!("{}A", "u".repeat(170)) }] });
    let short: jsonwebtoken::jwk::JwkSet = serde_json::from_value(short).unwrap();
    for set in [jsonwebtoken::jwk::JwkSet { keys: vec![encrypts] }, secret, short] {
        assert!(keys(ISSUER, &set).is_err());
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_is_told_so_where_there_are_several() {
    let mut set = KEYS.set();
    set.keys.push(SigningKey::p256("second").jwk);
    let verifier = keys(ISSUER, &set).unwrap().clock(clock());
    let body = claims(json!({})).to_string();
    let token = KEYS.es256.sign(&issuer::header(json!({ "kid": null })), &body);
    let refused = verify(&verifier, &token).await.unwrap_err();
    assert_eq!((refused.code(), refused.error()), ("unnamed_key", Some("invalid_token")));
    assert!(refused.to_string().contains("does not say which key"), "{refused}");
}
