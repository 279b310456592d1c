//! Issuers that do not follow RFC 9068: audiences by name, clients, several issuers, scopes elsewhere.

use serde_json::{Value, json};
use toolgate::gate::{Jwt, Verifier as _};

use super::{judge, verifier};
use crate::issuer::{ISSUER, KEYS, RESOURCE, verify};

fn token(changes: Value) -> String {
    KEYS.token(changes)
}

#[tokio::test]
async fn audiences_are_those_that_are_named() {
    let named = || verifier().audience(["res_1", "api://tools", ""]);
    let meant = |aud: Value| token(json!({ "aud": aud }));
    judge(
        &named(),
        vec![
            ("the first name", meant(json!("res_1")), "ok"),
            ("the second, among others", meant(json!(["x", "api://tools"])), "ok"),
            ("the resource, as before", meant(json!(RESOURCE)), "ok"),
            ("a part of a name", meant(json!("res_")), "wrong_audience"),
            ("more than a name", meant(json!("res_12")), "wrong_audience"),
            ("capitals", meant(json!("RES_1")), "wrong_audience"),
            ("an empty name is none", meant(json!("")), "wrong_audience"),
            ("all", meant(json!("*")), "wrong_audience"),
            ("none", meant(json!(null)), "claim"),
            ("a list of none", meant(json!([])), "wrong_audience"),
        ],
    )
    .await;
    let refused = verify(&named(), &meant(json!("other"))).await.unwrap_err().to_string();
    assert!(
        refused.contains("this is https://tools.example/mcp or res_1 or api://tools"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_client_stands_for_an_audience_that_is_missing() {
    let listed = || verifier().client_as_audience(["host", "desk"]);
    judge(
        &listed(),
        vec![
            ("a listed client", token(json!({ "aud": null })), "ok"),
            ("by azp", token(json!({ "aud": null, "client_id": null, "azp": "desk" })), "ok"),
            ("by cid", token(json!({ "aud": null, "client_id": null, "cid": "desk" })), "ok"),
            ("with the audience", token(json!({})), "ok"),
            ("another client", token(json!({ "aud": null, "client_id": "x" })), "wrong_client"),
            ("another client, for us", token(json!({ "client_id": "x" })), "wrong_client"),
            (
                "another client behind a listed one",
                token(json!({ "aud": null, "client_id": "x", "azp": "host" })),
                "wrong_client",
            ),
            ("no client", token(json!({ "aud": null, "client_id": null })), "wrong_client"),
            ("a part of one", token(json!({ "aud": null, "client_id": "hos" })), "wrong_client"),
            (
                "a client that is none",
                token(json!({ "aud": null, "client_id": ["host"] })),
                "claim",
            ),
            ("for another", token(json!({ "aud": "https://other.example" })), "wrong_audience"),
            ("for the client, as an ID token", token(json!({ "aud": "host" })), "wrong_audience"),
            ("for nobody", token(json!({ "aud": [] })), "wrong_audience"),
        ],
    )
    .await;
    let none: [&str; 0] = [];
    judge(
        &verifier().client_as_audience(none),
        vec![
            ("an empty list accepts none", token(json!({})), "wrong_client"),
            ("not without an audience either", token(json!({ "aud": null })), "wrong_client"),
        ],
    )
    .await;
}

#[tokio::test]
async fn issuers_of_one_key_set() {
    let both = || verifier().issuers(["https://login.example/resources/1"]);
    judge(
        &both(),
        vec![
            ("the first", token(json!({})), "ok"),
            ("the second", token(json!({ "iss": "https://login.example/resources/1" })), "ok"),
            (
                "a third",
                token(json!({ "iss": "https://login.example/resources/2" })),
                "wrong_issuer",
            ),
            (
                "a slash",
                token(json!({ "iss": "https://login.example/resources/1/" })),
                "wrong_issuer",
            ),
            ("both in a list", token(json!({ "iss": [ISSUER] })), "claim"),
        ],
    )
    .await;
    let second = token(json!({ "iss": "https://login.example/resources/1" }));
    let claims = verify(&both(), &second).await.unwrap();
    assert_eq!(claims.issuer(), "https://login.example/resources/1", "not the same person");
    assert_eq!(both().authorization_servers(), [ISSUER], "where clients sign in");
}

async fn scopes(verifier: Jwt, changes: Value) -> Vec<String> {
    let claims = verify(&verifier, &token(changes)).await.unwrap();
    claims.granted().iter().cloned().collect()
}

#[tokio::test]
async fn scopes_are_where_the_issuer_puts_them() {
    let elsewhere = json!({
        "scope": "a", "org_permissions": ["b"], "roles": ["c"],
        "realm_access": { "roles": ["d", "e f"] },
        "https://acme.example/roles": "g h",
        "urn:roles": { "i": { "org": "acme" }, "j": {} },
    });
    for (claims, expected) in [
        (&["scope"][..], &["a"][..]),
        (&["org_permissions", "roles"], &["b", "c"]),
        (&["/realm_access/roles"], &["d", "e", "f"]),
        (&["https://acme.example/roles", "scope"], &["a", "g", "h"]),
        (&["urn:roles"], &["i", "j"]),
        (&["realm_access.roles", "/none/at/all"], &[]),
    ] {
        let verifier = verifier().scope_claims(claims.iter().copied());
        assert_eq!(scopes(verifier, elsewhere.clone()).await, expected, "{claims:?}");
    }
    judge(
        &verifier().scope_claims(["scope", "/realm_access/roles"]),
        vec![
            ("roles of numbers", token(json!({ "realm_access": { "roles": [1] } })), "claim"),
            ("a scope that is an object", token(json!({ "scope": { "a": 1 } })), "claim"),
            ("no roles", token(json!({ "realm_access": { "roles": null } })), "ok"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_prefix_is_stripped_from_scopes() {
    let prefixed = || verifier().scope_prefix("api://tools/");
    let given = json!({ "scope": "api://tools/read openid api://other/write api://tools/ plain" });
    let found = scopes(prefixed(), given).await;
    assert_eq!(found, ["api://other/write", "api://tools/", "openid", "plain", "read"]);
    assert_eq!(prefixed().requested_scope_prefix(), "api://tools/");
}

#[tokio::test]
async fn claims_can_be_required() {
    judge(
        &verifier().require_claim("/org/id", ["o1", "o2"]),
        vec![
            ("one of them", token(json!({ "org": { "id": "o2" } })), "ok"),
            ("another", token(json!({ "org": { "id": "o3" } })), "wrong_claim"),
            ("a list of them", token(json!({ "org": { "id": ["o1"] } })), "wrong_claim"),
            ("none", token(json!({})), "wrong_claim"),
            ("null", token(json!({ "org": { "id": null } })), "wrong_claim"),
        ],
    )
    .await;
    judge(
        &verifier().token_use("token_use", ["access"]),
        vec![
            ("an access token", token(json!({ "token_use": "access" })), "ok"),
            ("an ID token", token(json!({ "token_use": "id" })), "wrong_type"),
            ("nothing", token(json!({})), "wrong_type"),
            ("a list", token(json!({ "token_use": ["access"] })), "wrong_type"),
        ],
    )
    .await;
    let verifier = verifier().user_claim("scp");
    let person = verify(&verifier, &token(json!({ "scp": "a" }))).await.unwrap();
    assert!(!person.is_client_credentials());
    let machine = verify(&verifier, &token(json!({}))).await.unwrap();
    assert!(machine.is_client_credentials());
}
