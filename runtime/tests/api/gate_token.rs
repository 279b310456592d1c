//! Tokens that are forged, borrowed, old or odd, each told apart.

use crate::issuer::{self, ISSUER, KEYS, NOW, RESOURCE, SigningKey, claims, clock, verify};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use std::time::Duration;
use toolgate::gate::{Jwt, PresentedToken, Verifier, keys};

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

#[derive(serde::Deserialize)]
struct Extra {
    tenant: Tenant,
}
#[derive(serde::Deserialize)]
struct Tenant {
    id: u32,
}

#[tokio::test]
async fn what_the_token_says_is_what_the_tool_learns() {
    let token = KEYS.token(json!({
        "scp": ["files"], "permissions": ["admin"], "tenant": { "id": 7 },
    }));
    let claims = verify(&verifier(), &token).await.unwrap();
    assert_eq!((claims.subject(), claims.issuer()), ("alice", ISSUER));
    assert_eq!(claims.client_id(), Some("host"));
    let granted: Vec<_> = claims.granted().iter().map(String::as_str).collect();
    assert_eq!(granted, ["admin", "files", "mail", "orders:read"]);
    assert_eq!(claims.extra::<Extra>().unwrap().tenant.id, 7);
    assert!(!claims.is_client_credentials());

    for (name, changes) in [
        ("the client itself", json!({ "sub": "host" })),
        ("no subject", json!({ "sub": null })),
        ("as Auth0 says it", json!({ "sub": "host@clients" })),
        ("as Auth0 says it, again", json!({ "gty": "client-credentials" })),
    ] {
        let claims = verify(&verifier(), &KEYS.token(changes)).await.unwrap();
        assert!(claims.is_client_credentials(), "{name}");
    }
    for (name, changes, scope) in [
        ("a list", json!({ "scope": ["a", "b"] }), "b"),
        ("a list with a text of two", json!({ "scope": ["a b"] }), "b"),
        ("Entra's", json!({ "scope": null, "scp": "a b" }), "b"),
    ] {
        let claims = verify(&verifier(), &KEYS.token(changes)).await.unwrap();
        assert!(claims.has(scope), "{name}");
    }
}

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

#[tokio::test]
async fn types() {
    let body = claims(json!({})).to_string();
    let typed = |typ: Value| KEYS.es256.sign(&issuer::header(json!({ "typ": typ })), &body);
    judge(
        &verifier(),
        vec![
            ("an ID token", typed(json!("JWT")), "wrong_type"),
            ("no type", typed(json!(null)), "wrong_type"),
            ("a logout token", typed(json!("logout+jwt")), "wrong_type"),
            ("a proof", typed(json!("dpop+jwt")), "wrong_type"),
            ("a request object", typed(json!("oauth-authz-req+jwt")), "wrong_type"),
            ("nearly", typed(json!("at+jwtx")), "wrong_type"),
        ],
    )
    .await;
    judge(
        &verifier().accept_plain_jwt(),
        vec![
            ("JWT", typed(json!("JWT")), "ok"),
            ("none", typed(json!(null)), "ok"),
            ("at+jwt", typed(json!("at+jwt")), "ok"),
            ("a logout token", typed(json!("logout+jwt")), "wrong_type"),
            ("a proof", typed(json!("dpop+jwt")), "wrong_type"),
        ],
    )
    .await;
}

#[tokio::test]
async fn issuers_and_audiences() {
    let issued = |iss: Value| KEYS.token(json!({ "iss": iss }));
    let meant = |aud: Value| KEYS.token(json!({ "aud": aud }));
    judge(
        &verifier(),
        vec![
            ("another issuer", issued(json!("https://evil.example")), "wrong_issuer"),
            ("a slash more", issued(json!("https://login.example/")), "wrong_issuer"),
            ("capitals", issued(json!("https://LOGIN.example")), "wrong_issuer"),
            ("http", issued(json!("http://login.example")), "wrong_issuer"),
            ("a longer host", issued(json!("https://login.example.evil.example")), "wrong_issuer"),
            ("a user", issued(json!("https://login.example@evil.example")), "wrong_issuer"),
            ("a tenant", issued(json!("https://login.example/tenant")), "wrong_issuer"),
            ("empty", issued(json!("")), "wrong_issuer"),
            ("none", issued(json!(null)), "claim"),
            ("a list", issued(json!([ISSUER])), "claim"),
            ("for another server", meant(json!("https://other.example/mcp")), "wrong_audience"),
            ("a slash more", meant(json!("https://tools.example/mcp/")), "wrong_audience"),
            ("the origin", meant(json!("https://tools.example")), "wrong_audience"),
            ("below us", meant(json!("https://tools.example/mcp/x")), "wrong_audience"),
            ("with a query", meant(json!("https://tools.example/mcp?x")), "wrong_audience"),
            ("with a fragment", meant(json!("https://tools.example/mcp#x")), "wrong_audience"),
            ("capitals", meant(json!("https://TOOLS.example/mcp")), "wrong_audience"),
            ("http", meant(json!("http://tools.example/mcp")), "wrong_audience"),
            ("everybody", meant(json!("*")), "wrong_audience"),
            ("the client, as in an ID token", meant(json!("host")), "wrong_audience"),
            ("empty", meant(json!("")), "wrong_audience"),
            ("nobody", meant(json!([])), "wrong_audience"),
            ("others only", meant(json!(["a", "b"])), "wrong_audience"),
            ("none", meant(json!(null)), "claim"),
            ("an object", meant(json!({ "0": RESOURCE })), "claim"),
            ("a list with a number", meant(json!([RESOURCE, 7])), "claim"),
            (
                "two in one text",
                meant(json!(format!("{RESOURCE} https://a.example"))),
                "wrong_audience",
            ),
        ],
    )
    .await;
    let slash = verify(&verifier(), &meant(json!("https://tools.example/mcp/"))).await.unwrap_err();
    assert!(slash.to_string().contains("a slash at the end"), "{slash}");
    assert!(slash.to_string().contains(RESOURCE), "{slash}");
}

#[tokio::test]
async fn times() {
    let ends = |exp: Value| KEYS.token(json!({ "exp": exp }));
    judge(
        &verifier(),
        vec![
            ("just ended, within the leeway", ends(json!(NOW - 29)), "ok"),
            ("ended", ends(json!(NOW - 30)), "expired"),
            ("ended long ago", ends(json!(0)), "expired"),
            ("no end", ends(json!(null)), "claim"),
            ("an end in words", ends(json!("2099-01-01T00:00:00Z")), "claim"),
            ("a number in words", ends(json!((NOW + 60).to_string())), "claim"),
            ("before 1970", ends(json!(-1)), "claim"),
            ("beyond all time", ends(json!(1e300)), "claim"),
            ("more than a number holds", KEYS.es256.sign(&issuer::header(json!({})), &format!(r#"{{"iss":"{ISSUER}","sub":"a","aud":"{RESOURCE}","exp":99999999999999999999}}"#)), "claim"),
            ("milliseconds", ends(json!((NOW + 60) * 1000)), "claim"),
            ("true", ends(json!(true)), "claim"),
            ("not yet", KEYS.token(json!({ "nbf": NOW + 31 })), "not_yet_valid"),
            ("in a moment, within the leeway", KEYS.token(json!({ "nbf": NOW + 30 })), "ok"),
            ("nbf in words", KEYS.token(json!({ "nbf": "soon" })), "claim"),
            ("issued tomorrow", KEYS.token(json!({ "iat": NOW + 86_400 })), "not_yet_valid"),
            ("iat in words", KEYS.token(json!({ "iat": "now" })), "claim"),
        ],
    )
    .await;
    let expired = verify(&verifier(), &ends(json!(NOW - 33))).await.unwrap_err();
    assert!(expired.to_string().contains("33 s ago"), "{expired}");
    let strict = verifier().leeway(Duration::ZERO);
    judge(&strict, vec![("without leeway", ends(json!(NOW)), "expired")]).await;
}

#[tokio::test]
async fn a_token_that_was_good_is_not_good_for_ever() {
    let clock = clock();
    let verifier = keys(ISSUER, &KEYS.set()).unwrap().clock(clock.clone());
    let token = good();
    verify(&verifier, &token).await.unwrap();
    let credentials = issuer::credentials("Bearer", &token, None);
    let elsewhere = PresentedToken::new(&credentials, "https://other.example/mcp", "POST");
    let refused = verifier.verify(elsewhere).await.unwrap_err();
    assert_eq!(
        refused.code(),
        "wrong_audience",
        "what is remembered is remembered of one resource"
    );
    clock.advance(Duration::from_secs(329));
    verify(&verifier, &token).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(verify(&verifier, &token).await.unwrap_err().code(), "expired");
}

#[tokio::test]
async fn claims_of_the_wrong_shape() {
    let with = |changes: Value| KEYS.token(changes);
    judge(
        &verifier(),
        vec![
            ("nobody", with(json!({ "sub": null, "client_id": null })), "claim"),
            ("an empty subject", with(json!({ "sub": "" })), "claim"),
            ("a subject that is a number", with(json!({ "sub": 7 })), "claim"),
            ("a client that is a list", with(json!({ "client_id": ["host"] })), "claim"),
            ("a scope that is a number", with(json!({ "scope": 7 })), "claim"),
            ("a scope that is an object", with(json!({ "scope": { "a": true } })), "claim"),
            ("a scope with a number in it", with(json!({ "scope": ["a", 7] })), "claim"),
            ("scp that is true", with(json!({ "scp": true })), "claim"),
            ("permissions that are a number", with(json!({ "permissions": 1 })), "claim"),
            ("no scope at all", with(json!({ "scope": null })), "ok"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bound_tokens_as_plain_bearer() {
    for cnf in [
        json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
        json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }),
        json!({}),
        json!("jkt"),
    ] {
        let token = KEYS.token(json!({ "cnf": cnf }));
        for verifier in [verifier(), verifier().dpop()] {
            let refused = verify(&verifier, &token).await.unwrap_err();
            assert_eq!(refused.code(), "sender_constrained", "{cnf}");
        }
    }
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
async fn a_token_of_another_issuer_is_told_so_whatever_its_key() {
    let other = claims(json!({ "iss": "https://other.example" })).to_string();
    let sign = |header: Value| KEYS.stranger.sign(&issuer::header(header), &other);
    for (name, token) in [
        ("a key of the other issuer", sign(json!({ "kid": "theirs" }))),
        ("a key of the other issuer that has the name of ours", sign(json!({}))),
        ("no name", sign(json!({ "kid": null }))),
    ] {
        let refused = verify(&verifier(), &token).await.unwrap_err();
        assert_eq!(refused.code(), "wrong_issuer", "{name}");
        assert!(refused.to_string().contains("from https://other.example"), "{name}: {refused}");
    }
    // What a token says of itself opens nothing.
    let claimed = KEYS.stranger.sign(&issuer::header(json!({})), &claims(json!({})).to_string());
    assert_eq!(verify(&verifier(), &claimed).await.unwrap_err().code(), "bad_signature");
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

#[tokio::test]
async fn machines_are_known_by_what_their_issuers_say() {
    for (name, changes, machine) in [
        ("a person", json!({}), false),
        ("RFC 9068", json!({ "sub": "host" }), true),
        ("Auth0", json!({ "sub": "host@clients" }), true),
        ("Auth0's word for it", json!({ "gty": "client-credentials" }), true),
        ("Entra", json!({ "sub": "0b1c", "idtyp": "app" }), true),
        ("Entra, a person", json!({ "sub": "0b1c", "idtyp": "user" }), false),
        (
            "Keycloak",
            json!({ "sub": "7f0c", "client_id": null, "azp": "Host", "preferred_username": "service-account-host" }),
            true,
        ),
        (
            "Keycloak, another's account",
            json!({ "azp": "host", "preferred_username": "service-account-other" }),
            false,
        ),
        ("Okta", json!({ "sub": "0oa1", "cid": "0oa1", "client_id": null }), true),
        ("Okta, a person", json!({ "sub": "a@b.example", "cid": "0oa1" }), false),
    ] {
        let found = verify(&verifier(), &KEYS.token(changes)).await.unwrap();
        assert_eq!(found.is_client_credentials(), machine, "{name}");
    }
}
