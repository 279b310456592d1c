//! Products with open sources: ZITADEL, authentik, Logto, Ory, Better Auth.

use serde_json::json;
use toolgate::gate;

use super::{Shape, eddsa, es384, miss, rs256};
use crate::issuer::RESOURCE;

const ROLES: &str = "urn:zitadel:iam:org:project:344374183645413380:roles";

pub(super) fn zitadel() -> Shape {
    Shape {
        name: "zitadel",
        preset: || gate::zitadel("https://acme.zitadel.cloud", "344374183645413380"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://acme.zitadel.cloud", "sub": "345377791925026818",
            "aud": ["344374183645413999", "344374183645413380"], "client_id": "344374183645413999",
            "jti": "V2_1", (ROLES): { "orders:read": { "344373908297744388": "acme.example" } },
        }),
        scope_claims: &[ROLES],
        // A client chooses what is in `scope`; the other claim is of another project.
        foreign_scope: json!({
            (ROLES): null, "scope": "openid orders:read",
            "urn:zitadel:iam:org:project:9:roles": { "orders:read": {} },
            "urn:zitadel:iam:org:project:roles": { "orders:read": {} },
        }),
        other_tenant: "https://evil.zitadel.cloud",
        other_audience: json!(["344374183645413999", "999999999999999999"]),
        client_claim: None,
        id_token: (
            json!({}),
            json!({ "jti": null, "client_id": null, "azp": "344374183645413999", "at_hash": "h", "amr": ["pwd"] }),
        ),
        machine: Some(json!({ "sub": "service_user", "client_id": "service_user" })),
        good: vec![("a typed token", json!({ "typ": "at+jwt" }), json!({}))],
        near_misses: vec![
            miss("for the application alone", json!({}), json!({ "aud": ["344374183645413999"] })),
            miss(
                "an ID token for the resource",
                json!({}),
                json!({ "jti": null, "aud": RESOURCE }),
            ),
        ],
    }
}

pub(super) fn authentik() -> Shape {
    Shape {
        name: "authentik",
        preset: || gate::authentik("https://auth.acme.example", "tools", "Hq3w9vZ1"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://auth.acme.example/application/o/tools/", "sub": "hashed",
            "aud": "Hq3w9vZ1", "azp": "Hq3w9vZ1", "uid": "generated", "sid": "s", "acr": "goauthentik.io",
            "scope": "openid orders:read", "preferred_username": "alice",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "groups": ["orders:read"] }),
        other_tenant: "https://auth.evil.example/application/o/tools/",
        other_audience: json!("other-client"),
        client_claim: Some("azp"),
        id_token: (json!({}), json!({ "azp": null, "uid": null, "nonce": "n", "at_hash": "h" })),
        machine: None,
        good: Vec::new(),
        near_misses: vec![
            miss(
                "another application",
                json!({}),
                json!({
                    "iss": "https://auth.acme.example/application/o/other/",
                }),
            ),
            miss(
                "the issuer of all applications",
                json!({}),
                json!({
                    "iss": "https://auth.acme.example/",
                }),
            ),
            miss("an ID token with `azp`", json!({}), json!({ "uid": null })),
            miss("an ID token with `uid`", json!({}), json!({ "azp": null })),
        ],
    }
}

pub(super) fn logto() -> Shape {
    Shape {
        name: "logto",
        preset: || gate::logto("https://acme.logto.app"),
        key: es384,
        header: json!({ "alg": "ES384", "typ": "at+jwt", "kid": "es384" }),
        claims: json!({
            "iss": "https://acme.logto.app/oidc", "sub": "foo123", "aud": RESOURCE, "jti": "j",
            "client_id": "app1", "scope": "orders:read",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "", "roles": ["orders:read"] }),
        other_tenant: "https://evil.logto.app/oidc",
        other_audience: json!("https://acme.logto.app/api"),
        client_claim: None,
        id_token: (
            json!({ "typ": "JWT" }),
            json!({ "aud": "app1", "scope": null, "at_hash": "h" }),
        ),
        machine: Some(json!({ "sub": "app1" })),
        good: Vec::new(),
        near_misses: vec![
            miss(
                "a token of an organization",
                json!({}),
                json!({
                    "aud": "urn:logto:organization:o1",
                }),
            ),
            miss("no type", json!({ "typ": null }), json!({})),
            miss("an ID token for the resource", json!({ "typ": "JWT" }), json!({})),
        ],
    }
}

pub(super) fn ory() -> Shape {
    Shape {
        name: "ory",
        preset: || gate::ory("https://acme.projects.oryapis.com"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://acme.projects.oryapis.com", "sub": "7146dd0b", "aud": [RESOURCE],
            "client_id": "host", "ext": {}, "jti": "j", "scp": ["openid", "orders:read"],
        }),
        scope_claims: &["scp"],
        foreign_scope: json!({ "scp": ["openid"], "ext": { "scp": ["orders:read"] } }),
        other_tenant: "https://evil.projects.oryapis.com",
        other_audience: json!(["https://other.example/mcp"]),
        client_claim: None,
        id_token: (
            json!({}),
            json!({ "aud": ["host"], "client_id": null, "scp": null, "at_hash": "h", "rat": 1 }),
        ),
        machine: Some(json!({ "sub": "host" })),
        good: Vec::new(),
        near_misses: vec![
            miss("no audience is granted", json!({}), json!({ "aud": [] })),
            miss(
                "a logout token",
                json!({}),
                json!({
                    "aud": ["host"], "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
                }),
            ),
        ],
    }
}

pub(super) fn better_auth() -> Shape {
    Shape {
        name: "better_auth",
        preset: || gate::better_auth("https://app.example/api/auth"),
        key: eddsa,
        header: json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "eddsa" }),
        claims: json!({
            "iss": "https://app.example/api/auth", "sub": "user1",
            "aud": [RESOURCE, "https://app.example/api/auth/oauth2/userinfo"],
            "client_id": "host", "azp": "host", "sid": "s", "jti": "j",
            "scope": "openid orders:read",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "permissions": ["orders:read"] }),
        other_tenant: "https://app.evil.example/api/auth",
        other_audience: json!("https://other.example/mcp"),
        client_claim: None,
        id_token: (json!({ "typ": null }), json!({ "aud": "host", "scope": null, "at_hash": "h" })),
        machine: Some(json!({ "sub": "host", "sid": null })),
        good: Vec::new(),
        near_misses: vec![
            miss(
                "a session",
                json!({ "typ": null }),
                json!({
                    "iss": "https://app.example", "aud": "https://app.example", "client_id": null,
                }),
            ),
            miss("a token without a type", json!({ "typ": null }), json!({})),
            miss("the origin as the issuer", json!({}), json!({ "iss": "https://app.example" })),
        ],
    }
}
