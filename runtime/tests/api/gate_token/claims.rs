//! What a token says: its type, issuer, audience, times and scopes.

use std::time::Duration;

use serde_json::{Value, json};
use toolgate::gate::{PresentedToken, Verifier as _, keys};

use super::{good, judge, verifier};
use crate::issuer::{self, ISSUER, KEYS, NOW, RESOURCE, claims, clock, verify};

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
            ("no subject, which RFC 9068 requires", with(json!({ "sub": null })), "claim"),
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

/// People without a subject would all be one caller: their client.
#[tokio::test]
async fn a_person_without_a_subject_is_refused() {
    let plain = |changes: Value| {
        KEYS.es256.sign(&issuer::header(json!({ "typ": "JWT" })), &claims(changes).to_string())
    };
    let verifier = verifier().accept_plain_jwt();
    for name in ["username", "preferred_username", "email", "upn"] {
        let person = plain(json!({ "sub": null, name: "alice" }));
        assert_eq!(verify(&verifier, &person).await.unwrap_err().code(), "claim", "{name}");
    }
    for changes in [json!({}), json!({ "preferred_username": "service-account-host" })] {
        let mut changes = changes;
        changes["sub"] = Value::Null;
        let machine = verify(&verifier, &plain(changes)).await.unwrap();
        assert!(machine.is_client_credentials() && machine.subject() == "host");
    }
}

/// ID tokens as `LemonLDAP::NG`, Canaille and oidc-provider sign them, where the resource is among the
/// audiences: they have the type of a plain access token.
#[tokio::test]
async fn an_id_token_for_the_resource_is_no_access_token() {
    let verifier = verifier().accept_plain_jwt();
    let plain = |mut changes: Value, scope: Option<&str>| {
        changes["aud"] = json!(["host", RESOURCE]);
        changes["client_id"] = Value::Null;
        changes["scope"] = json!(scope);
        KEYS.es256.sign(&issuer::header(json!({ "typ": "JWT" })), &claims(changes).to_string())
    };
    for shape in [
        json!({ "at_hash": "Iq9h8lq3mONbzi69wYMfoQ", "azp": "host", "nonce": "n", "acr": "loa-1" }),
        json!({ "at_hash": "DTeThZb9ovY6W8-uke8zlA", "amr": ["pwd"] }),
        json!({ "c_hash": "sd2LCN211T0T9SovKe0D_A" }),
        json!({ "nonce": "3ccb1a213dff6d6ba005b1a9c1588541" }),
    ] {
        let refused = verify(&verifier, &plain(shape.clone(), None)).await.unwrap_err();
        assert_eq!(refused.code(), "wrong_type", "{shape}");
        assert!(refused.to_string().contains("ID token"), "{refused}");
    }
    let hashed = plain(json!({ "at_hash": "DTeThZb9ovY6W8-uke8zlA" }), Some("orders:read"));
    assert_eq!(verify(&verifier, &hashed).await.unwrap_err().code(), "wrong_type");
    // Keycloak's access tokens had the nonce up to its version 24.
    assert!(verify(&verifier, &plain(json!({ "nonce": "n" }), Some("orders:read"))).await.is_ok());
    assert!(verify(&verifier, &plain(json!({}), None)).await.is_ok());
}
