//! Products for applications: Clerk, WorkOS, Supabase, Scalekit, Descope, Stytch.

use serde_json::json;
use toolgate::gate;

use super::{Shape, es256, miss, rs256};
use crate::issuer::RESOURCE;

pub(super) fn clerk() -> Shape {
    Shape {
        name: "clerk",
        preset: || gate::clerk("clerk.acme.example", ["2xhFjEI5X2qWRvtV"]),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "at+jwt", "kid": "rs256" }),
        claims: json!({
            "iss": "https://clerk.acme.example", "sub": "user_2xhFj", "jti": "oat_0ef5a7",
            "client_id": "2xhFjEI5X2qWRvtV", "scope": "openid orders:read",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "org_permissions": ["orders:read"] }),
        other_tenant: "https://clerk.evil.example",
        other_audience: json!("https://api.acme.example"),
        client_claim: Some("client_id"),
        id_token: (
            json!({ "typ": "JWT" }),
            json!({ "aud": "2xhFjEI5X2qWRvtV", "client_id": null, "scope": null, "nonce": "n" }),
        ),
        machine: None,
        good: Vec::new(),
        near_misses: vec![
            miss(
                "a session",
                json!({ "typ": "JWT" }),
                json!({
                    "azp": "https://acme.example", "sid": "sess_1", "client_id": null, "scope": null,
                }),
            ),
            miss(
                "a session whose page is a client",
                json!({ "typ": "JWT" }),
                json!({
                    "azp": "2xhFjEI5X2qWRvtV", "sid": "sess_1", "client_id": null,
                }),
            ),
            miss("no type", json!({ "typ": null }), json!({})),
        ],
    }
}

pub(super) fn workos() -> Shape {
    Shape {
        name: "workos",
        preset: || gate::workos("acme.authkit.app"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://acme.authkit.app", "sub": "user_01HBEQ", "sid": "app_consent_01",
            "aud": RESOURCE, "jti": "01J", "org_id": "org_01", "role": "member",
            "permissions": ["orders:read"], "scope": "openid profile",
        }),
        scope_claims: &["permissions"],
        foreign_scope: json!({ "permissions": [], "roles": ["orders:read"] }),
        other_tenant: "https://evil.authkit.app",
        other_audience: json!("https://other.example/mcp"),
        client_claim: None,
        id_token: (json!({}), json!({ "aud": "client_01", "permissions": null, "nonce": "n" })),
        machine: Some(json!({ "sub": "client_01M2M", "client_id": "client_01M2M" })),
        good: Vec::new(),
        near_misses: vec![
            miss(
                "a session",
                json!({}),
                json!({
                    "iss": "https://api.workos.com/user_management/client_01", "aud": null,
                }),
            ),
            miss("for a client, as without `resource`", json!({}), json!({ "aud": "client_01" })),
        ],
    }
}

pub(super) fn supabase() -> Shape {
    Shape {
        name: "supabase",
        preset: || gate::supabase("https://abcdefgh.supabase.co"),
        key: es256,
        header: json!({ "alg": "ES256", "typ": "JWT", "kid": "es256" }),
        claims: json!({
            "iss": "https://abcdefgh.supabase.co/auth/v1", "sub": "8a7b", "aud": RESOURCE,
            "role": "authenticated", "user_id": "8a7b", "email": "alice@acme.example",
            "client_id": "9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d", "aal": "aal1", "session_id": "s",
            "permissions": ["orders:read"],
        }),
        scope_claims: &["permissions"],
        foreign_scope: json!({ "permissions": [], "scope": "orders:read" }),
        other_tenant: "https://evil.supabase.co/auth/v1",
        other_audience: json!("https://other.example/mcp"),
        client_claim: None,
        id_token: (
            json!({}),
            json!({
                "aud": "9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d", "client_id": null, "permissions": null,
            }),
        ),
        machine: None,
        good: Vec::new(),
        near_misses: vec![
            miss("without the hook", json!({}), json!({ "aud": "authenticated" })),
            miss("a session", json!({}), json!({ "aud": "authenticated", "client_id": null })),
            miss("a session for the resource", json!({}), json!({ "client_id": null })),
            miss(
                "the key of the service",
                json!({}),
                json!({
                    "iss": "supabase", "role": "service_role", "aud": null, "client_id": null,
                }),
            ),
        ],
    }
}

pub(super) fn scalekit() -> Shape {
    Shape {
        name: "scalekit",
        preset: || gate::scalekit("https://acme.scalekit.com", "res_57923487"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://acme.scalekit.com", "sub": "usr_1", "aud": ["res_57923487"],
            "client_id": "mcp_client_1", "scope": "orders:read", "jti": "tkn_1",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "mail:read" }),
        other_tenant: "https://evil.scalekit.com",
        other_audience: json!(["res_99999999"]),
        client_claim: None,
        id_token: (json!({}), json!({ "aud": ["mcp_client_1"], "scope": null, "nonce": "n" })),
        machine: Some(json!({ "sub": "mcp_client_1" })),
        good: vec![
            (
                "the issuer of the resource",
                json!({}),
                json!({
                    "iss": "https://acme.scalekit.com/resources/res_57923487",
                }),
            ),
            ("for the URL", json!({}), json!({ "aud": RESOURCE })),
        ],
        near_misses: vec![
            miss(
                "the issuer of another resource",
                json!({}),
                json!({
                    "iss": "https://acme.scalekit.com/resources/res_99999999",
                }),
            ),
            miss("of development", json!({}), json!({ "iss": "https://acme-dev.scalekit.dev" })),
            miss("for the environment", json!({}), json!({ "aud": "https://acme.scalekit.com" })),
        ],
    }
}

pub(super) fn descope() -> Shape {
    Shape {
        name: "descope",
        preset: || gate::descope("https://api.descope.com", "P2abc123", "MS4def567"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://api.descope.com/v1/apps/agentic/P2abc123/MS4def567",
            "sub": "U2alice", "aud": ["P2abc123", "TPA-client"], "azp": "TPA-client",
            "scope": "openid orders:read",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "permissions": ["orders:read"] }),
        other_tenant: "https://api.descope.com/v1/apps/agentic/P9other/MS4def567",
        other_audience: json!(["P9other"]),
        client_claim: None,
        id_token: (json!({}), json!({ "aud": ["P2abc123", "TPA-client"], "scope": null })),
        machine: Some(json!({ "sub": "TPA-client" })),
        good: vec![("for the URL", json!({}), json!({ "aud": RESOURCE }))],
        near_misses: vec![
            miss(
                "another MCP server",
                json!({}),
                json!({
                    "iss": "https://api.descope.com/v1/apps/agentic/P2abc123/MS9other",
                }),
            ),
            miss(
                "an inbound app",
                json!({}),
                json!({
                    "iss": "https://api.descope.com/v1/apps/P2abc123",
                }),
            ),
            miss("a session", json!({}), json!({ "iss": "P2abc123", "scope": null })),
            miss("for the client alone", json!({}), json!({ "aud": ["TPA-client"] })),
        ],
    }
}

pub(super) fn stytch() -> Shape {
    Shape {
        name: "stytch",
        preset: || gate::stytch("login.acme.example", "project-live-c60c0abe"),
        key: rs256,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "rs256" }),
        claims: json!({
            "iss": "https://login.acme.example", "sub": "user-live-1",
            "aud": ["project-live-c60c0abe"], "client_id": "connected-app-live-1",
            "scope": "openid orders:read", "jti": "j",
        }),
        scope_claims: &["scope"],
        foreign_scope: json!({ "scope": "openid", "permissions": ["orders:read"] }),
        other_tenant: "https://login.evil.example",
        other_audience: json!(["project-live-99999999"]),
        client_claim: None,
        id_token: (json!({}), json!({ "aud": ["connected-app-live-1"], "scope": null })),
        machine: Some(json!({ "sub": "connected-app-live-1" })),
        good: vec![("a custom audience", json!({}), json!({ "aud": RESOURCE }))],
        near_misses: vec![
            miss(
                "a session",
                json!({}),
                json!({
                    "scope": null, "client_id": null, "https://stytch.com/session": { "id": "session-1" },
                }),
            ),
            miss(
                "a session of stytch.com",
                json!({}),
                json!({
                    "iss": "stytch.com/project-live-c60c0abe", "scope": null,
                }),
            ),
            miss("the test project", json!({}), json!({ "aud": ["project-test-c60c0abe"] })),
        ],
    }
}
