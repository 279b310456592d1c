//! Keycloak.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// The audience by a mapper, registration: https://www.keycloak.org/securing-apps/mcp-authz-server
// `typ` of the claims is `Bearer`, `ID`, `Refresh`, ..: https://www.keycloak.org/docs/latest/server_admin/
static KEYCLOAK: Product = Product {
    name: "Keycloak",
    hints: &[
        (
            Cause::NoAudience,
            "the token names no audience: add an audience mapper for {resource} (Client scopes > one that hosts ask for > Mappers > Add mapper > Audience > Included Custom Audience, Add to access token)",
        ),
        (
            Cause::OtherAudience,
            "add an audience mapper for {resource} (Client scopes > one that hosts ask for > Mappers > Add mapper > Audience > Included Custom Audience, Add to access token); `account` alone is the default without one",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is FRONTEND-URL/realms/REALM: give `keycloak` the frontend URL of the realm (Realm settings > General), with `/auth` for old installations",
        ),
        (
            Cause::OtherType,
            "send the access token, whose claim `typ` is `Bearer`, and not an ID or refresh token; a client with `Use lightweight access token` leaves it out",
        ),
        (
            Cause::Algorithm,
            "set the default signature algorithm to RS256 or ES256 (Realm settings > Tokens)",
        ),
        (
            Cause::Scopes,
            "create a client scope of this name with Include in token scope on, and add it to the client as an optional one (Clients > Client scopes); clients that register themselves need it under Realm settings > Client scopes or in the registration policies",
        ),
    ],
    hosts: &[
        "hosts can register themselves only if the client registration policies allow it: remove or widen Trusted Hosts, and list the scopes under Allowed Client Scopes (Clients > Client registration)",
        "the `resource` of hosts is ignored: the audience comes from a mapper",
    ],
};

/// Creates a verifier of the access tokens of a realm of [Keycloak](https://www.keycloak.org): the base
/// is the URL before `/realms`, such as `https://sso.example`.
///
/// A token must be for the URL of the resource, which Keycloak says only with an audience mapper. Its
/// claim `typ` must be `Bearer`, or `DPoP` with [`Jwt::dpop`]. Scopes are those of `scope`; realm roles
/// count with [`scope_claims`](Jwt::scope_claims)`(["scope", "/realm_access/roles"])`.
///
/// # In the admin console
///
/// 1. Client scopes > Create: one for each scope of the tools, with Include in token scope.
/// 2. In each of them: Mappers > Add mapper > By configuration > Audience, with the URL of the resource
///    as Included Custom Audience and Add to access token.
/// 3. Clients > Client registration: let the policies accept the hosts and the scopes, or create a
///    client for each host.
///
/// # What hosts cannot do
///
/// Their `resource` is ignored (RFC 8707 is experimental in 26.8), so every token with one of the
/// scopes has the audience. Client ID metadata documents are experimental too.
///
/// # Errors
///
/// `base` is not an https URL (http is accepted for this machine), or `realm` is not a name.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::keycloak("https://sso.example", "acme")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn keycloak(base: &str, realm: &str) -> Result<Jwt, ConfigError> {
    let base = parts::base("the URL of Keycloak", base)?;
    let realm = parts::segment("the realm of Keycloak", realm)?;
    let issuer = format!("{base}/realms/{realm}");
    let keys = format!("{issuer}/protocol/openid-connect/certs");
    let verifier = jwks(issuer, keys)?.accept_plain_jwt().token_use("typ", ["Bearer", "DPoP"]);
    Ok(verifier.scope_claims(["scope"]).of_product(&KEYCLOAK))
}
