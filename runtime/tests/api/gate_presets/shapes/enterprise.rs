//! Products of enterprises: Auth0, Entra, Okta, Keycloak, Cognito.

use serde_json::json;
use toolgate::gate;

use super::{Shape, miss, rs256};
use crate::issuer::RESOURCE;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APPLICATION: &str = "5d1ffa2c-9d3e-4b0f-9f0a-1c5a4b7a2e10";
const CLIENT: &str = "0f5b1d8a-6c0e-4d9e-8f5b-3c2d1e0f9a8b";
const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123";

pub(super) fn auth0() -> Shape {
    Shape {
        name: "auth0",
        preset: || gate::auth0("acme.eu.auth0.com"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://acme.eu.auth0.com/",
            "sub": "auth0|6553da60a54af58e29493993",
            "aud": [RESOURCE, "https://acme.eu.auth0.com/userinfo"],
            "azp": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
            "scope": "openid profile orders:read",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "permissions": ["orders:read"] }),
        other_tenant: "https://evil.eu.auth0.com/",
        other_audience: json!("https://api.acme.example"),
        client_claim: None,
        id_token: (
            json!({}),
            json!({ "aud": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja", "azp": null, "scope": null, "nonce": "n" }),
        ),
        machine: Some(json!({
            "sub": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja@clients", "aud": RESOURCE,
            "gty": "client-credentials",
        })),
        good: vec![(
            "RFC 9068 profile",
            json!({ "typ": "at+jwt" }),
            json!({ "azp": null, "client_id": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja", "jti": "73Wak" }),
        )],
        near_misses: vec![
            miss(
                "for userinfo alone",
                json!({}),
                json!({ "aud": "https://acme.eu.auth0.com/userinfo" }),
            ),
            miss(
                "for the management API",
                json!({}),
                json!({ "aud": "https://acme.eu.auth0.com/api/v2/" }),
            ),
        ],
    }
}

pub(super) fn entra() -> Shape {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    Shape {
        name: "entra",
        preset: || gate::entra(TENANT, APPLICATION),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": issuer, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "aud": APPLICATION, "azp": CLIENT, "azpacr": "0", "tid": TENANT, "ver": "2.0",
            "oid": "b17c21de-fbfb-4a6b-86d6-3ea1b0e5a1f6", "scp": "orders:read",
            "preferred_username": "alice@acme.example",
        }),
        scope_claims: &["scp"],
        foreign_scope: json!({ "scp": "api://other/orders:read" }),
        other_tenant: "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a/v2.0",
        other_audience: json!("00000003-0000-0000-c000-000000000000"),
        client_claim: None,
        id_token: (
            json!({}),
            // With an app role, of the application itself.
            json!({ "azp": null, "azpacr": null, "scp": null, "nonce": "n", "roles": ["orders:read"] }),
        ),
        machine: Some(json!({
            "sub": "b17c21de-fbfb-4a6b-86d6-3ea1b0e5a1f6", "scp": null, "roles": ["orders:read"],
            "preferred_username": null,
        })),
        good: vec![
            ("for the Application ID URI", json!({}), json!({ "aud": RESOURCE })),
            (
                "a prefixed scope",
                json!({}),
                json!({ "scp": format!("api://{APPLICATION}/orders:read") }),
            ),
            (
                "a machine with idtyp",
                json!({}),
                json!({ "scp": null, "roles": ["orders:read"], "idtyp": "app" }),
            ),
        ],
        near_misses: vec![
            miss(
                "version 1",
                json!({}),
                json!({ "iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0" }),
            ),
            miss("a machine without a role", json!({}), json!({ "scp": null })),
            miss(
                "the issuer of all tenants",
                json!({}),
                json!({
                    "iss": "https://login.microsoftonline.com/common/v2.0",
                }),
            ),
            miss(
                "the URI form of the application",
                json!({}),
                json!({
                    "aud": format!("api://{APPLICATION}"),
                }),
            ),
        ],
    }
}

pub(super) fn okta() -> Shape {
    Shape {
        name: "okta",
        preset: || gate::okta("acme.okta.com", "aus1a2b3c4d5"),
        key: rs256,
        header: json!({ "alg": "RS256", "kid": "rs256" }),
        claims: json!({
            "ver": 1, "jti": "AT.MNAoEQ", "iss": "https://acme.okta.com/oauth2/aus1a2b3c4d5",
            "aud": RESOURCE, "sub": "alice@acme.example", "cid": "0oa1host", "uid": "00u1alice",
            "scp": ["openid", "orders:read"], "auth_time": 1_799_999_000,
        }),
        scope_claims: &["scp"],
        foreign_scope: json!({ "scp": ["openid"], "scope": "orders:read" }),
        other_tenant: "https://evil.okta.com/oauth2/aus1a2b3c4d5",
        other_audience: json!("api://default"),
        client_claim: None,
        id_token: (
            json!({}),
            json!({ "aud": "0oa1host", "cid": null, "uid": null, "scp": null, "jti": "ID.rad", "at_hash": "f" }),
        ),
        machine: Some(json!({ "sub": "0oa1host", "uid": null })),
        good: Vec::new(),
        near_misses: vec![
            miss(
                "another authorization server",
                json!({}),
                json!({
                    "iss": "https://acme.okta.com/oauth2/default",
                }),
            ),
            miss(
                "the org authorization server",
                json!({}),
                json!({
                    "iss": "https://acme.okta.com", "aud": "https://acme.okta.com",
                }),
            ),
            miss("an ID token for the resource", json!({}), json!({ "cid": null })),
        ],
    }
}

pub(super) fn keycloak() -> Shape {
    Shape {
        name: "keycloak",
        preset: || gate::keycloak("https://sso.example", "acme"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://sso.example/realms/acme", "sub": "f1b2", "typ": "Bearer", "azp": "host",
            "aud": [RESOURCE, "account"], "jti": "onrtac:1", "sid": "s", "acr": "1",
            "realm_access": { "roles": ["offline_access", "admin"] },
            "scope": "openid orders:read", "preferred_username": "alice",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "realm_access": { "roles": ["orders:read"] } }),
        other_tenant: "https://sso.example/realms/master",
        other_audience: json!("account"),
        client_claim: None,
        id_token: (json!({}), json!({ "typ": "ID", "aud": "host", "scope": null })),
        machine: Some(
            json!({ "preferred_username": "service-account-host", "clientHost": "10.0.0.1" }),
        ),
        good: vec![("a typed token", json!({ "typ": "at+jwt" }), json!({}))],
        near_misses: vec![
            miss("an ID token for the resource", json!({}), json!({ "typ": "ID" })),
            miss("a refresh token", json!({}), json!({ "typ": "Refresh" })),
            miss("an offline token", json!({}), json!({ "typ": "Offline" })),
            miss("a logout token", json!({}), json!({ "typ": "Logout" })),
            miss("a registration token", json!({}), json!({ "typ": "RegistrationAccessToken" })),
            miss("no kind", json!({}), json!({ "typ": null })),
        ],
    }
}

pub(super) fn cognito() -> Shape {
    Shape {
        name: "cognito",
        preset: || {
            let verifier = gate::cognito("eu-west-1", "eu-west-1_AbCdEf123", ["3n4b5urk1ft4fl3mg"]);
            Ok(verifier?.scope_prefix("https://tools.example/mcp/"))
        },
        key: rs256,
        header: json!({ "alg": "RS256", "kid": "rs256" }),
        claims: json!({
            "iss": POOL, "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "version": 2,
            "client_id": "3n4b5urk1ft4fl3mg", "token_use": "access", "username": "alice",
            "scope": "openid https://tools.example/mcp/orders:read", "auth_time": 1_799_999_000,
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "https://other.example/orders:read" }),
        other_tenant: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other",
        other_audience: json!("https://other.example"),
        client_claim: Some("client_id"),
        id_token: (
            json!({}),
            json!({
                "token_use": "id", "aud": "3n4b5urk1ft4fl3mg", "client_id": null, "scope": null,
                "cognito:username": "alice",
            }),
        ),
        machine: Some(json!({ "sub": "3n4b5urk1ft4fl3mg", "username": null })),
        good: vec![("bound to the resource", json!({}), json!({ "aud": RESOURCE }))],
        near_misses: vec![
            miss(
                "another region",
                json!({}),
                json!({
                    "iss": "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbCdEf123",
                }),
            ),
            miss("an ID token with a client", json!({}), json!({ "token_use": "id" })),
            miss("no kind", json!({}), json!({ "token_use": null })),
            miss("an audience without a name", json!({}), json!({ "aud": [] })),
        ],
    }
}
