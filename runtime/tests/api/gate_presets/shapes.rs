//! Shapes of the tokens of each product: its header and its claims, and those of tokens that look alike.

use serde_json::{Value, json};
use toolgate::{
    ConfigError,
    gate::{self, Jwt},
};

use crate::issuer::{KEYS, RESOURCE, SigningKey};

/// A change of a token that is refused.
pub(super) struct NearMiss {
    pub(super) name: &'static str,
    pub(super) header: Value,
    pub(super) claims: Value,
}

/// The tokens of a product.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) preset: fn() -> Result<Jwt, ConfigError>,
    pub(super) key: fn() -> &'static SigningKey,
    pub(super) header: Value,
    /// The claims of a person's token, without times.
    pub(super) claims: Value,
    /// The scope `orders:read` is in these claims; without them there is none.
    pub(super) scope_claims: &'static [&'static str],
    /// Changes that make a scope of another API of it.
    pub(super) foreign_scope: Value,
    /// The issuer of another tenant, realm, pool or instance.
    pub(super) other_tenant: &'static str,
    /// The audience of another application or resource of the same tenant.
    pub(super) other_audience: Value,
    /// The claim with the client, if only listed clients are accepted.
    pub(super) client_claim: Option<&'static str>,
    /// Changes that make an ID token of it.
    pub(super) id_token: (Value, Value),
    /// Changes that make a machine's token of it.
    pub(super) machine: Option<Value>,
    /// Other good tokens.
    pub(super) good: Vec<(&'static str, Value, Value)>,
    /// Near misses of this product.
    pub(super) near_misses: Vec<NearMiss>,
}

fn miss(name: &'static str, header: Value, claims: Value) -> NearMiss {
    NearMiss { name, header, claims }
}

fn rs256() -> &'static SigningKey {
    &KEYS.rs256
}

fn es256() -> &'static SigningKey {
    &KEYS.es256
}

fn es384() -> &'static SigningKey {
    &KEYS.es384
}

fn eddsa() -> &'static SigningKey {
    &KEYS.eddsa
}

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APPLICATION: &str = "5d1ffa2c-9d3e-4b0f-9f0a-1c5a4b7a2e10";
const CLIENT: &str = "0f5b1d8a-6c0e-4d9e-8f5b-3c2d1e0f9a8b";
const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123";
const ROLES: &str = "urn:zitadel:iam:org:project:344374183645413380:roles";

pub(super) fn all() -> Vec<Shape> {
    vec![
        auth0(),
        entra(),
        okta(),
        keycloak(),
        cognito(),
        clerk(),
        workos(),
        supabase(),
        scalekit(),
        descope(),
        stytch(),
        zitadel(),
        authentik(),
        logto(),
        ory(),
        better_auth(),
    ]
}

fn auth0() -> Shape {
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

fn entra() -> Shape {
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

fn okta() -> Shape {
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

fn keycloak() -> Shape {
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

fn cognito() -> Shape {
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

fn clerk() -> Shape {
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

fn workos() -> Shape {
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

fn supabase() -> Shape {
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

fn scalekit() -> Shape {
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

fn descope() -> Shape {
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

fn stytch() -> Shape {
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

fn zitadel() -> Shape {
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

fn authentik() -> Shape {
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

fn logto() -> Shape {
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

fn ory() -> Shape {
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

fn better_auth() -> Shape {
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
