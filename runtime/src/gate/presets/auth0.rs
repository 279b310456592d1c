//! Auth0.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// Claims and types of both token profiles:
// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
// `resource` and the compatibility profile: https://auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile
static AUTH0: Product = Product {
    name: "Auth0",
    hints: &[
        (
            Cause::Opaque,
            "without an audience it issues opaque tokens: create an API with the identifier {resource}, and switch on Settings > Advanced > Resource Parameter Compatibility Profile, so that the `resource` of hosts selects it",
        ),
        (Cause::NoAudience, "create an API with the identifier {resource} (Applications > APIs)"),
        (
            Cause::OtherAudience,
            "the identifier of the API (Applications > APIs) must be {resource}, character by character, and Settings > Advanced > Resource Parameter Compatibility Profile must be on, so that the `resource` of hosts selects it; a default audience of the tenant takes its place otherwise",
        ),
        (
            Cause::OtherIssuer,
            "with a custom domain, tokens that were requested there have it as their issuer: give `auth0` the domain that hosts are sent to",
        ),
        (
            Cause::Algorithm,
            "set the signing algorithm of the API to RS256 (Applications > APIs > Settings)",
        ),
        (
            Cause::Scopes,
            "add the scope to the API's permissions (Applications > APIs > Permissions); with RBAC on, the user needs the permission as well",
        ),
    ],
    hosts: &[
        "hosts can register themselves only after Dynamic Client Registration is switched on for the tenant (Settings > Advanced), and a connection is promoted to the domain level, because such clients are third-party ones; client ID metadata documents have to be approved",
        "the `resource` of hosts is ignored unless Resource Parameter Compatibility Profile is on",
    ],
};

/// Creates a verifier of the access tokens of an [Auth0](https://auth0.com) tenant: `acme.eu.auth0.com`,
/// or its custom domain.
///
/// A token must be for the URL of the resource. Both token profiles are accepted. Scopes are those of
/// `scope`, which Auth0 limits to the permissions of the user where RBAC is on; `permissions` has all
/// of them, also those that the host did not ask for, and counts only with
/// [`scope_claims`](Jwt::scope_claims)`(["permissions"])`.
///
/// # In the dashboard
///
/// 1. Applications > APIs > Create API: the identifier is the URL of the resource, the signing
///    algorithm RS256. Add the scopes under Permissions.
/// 2. Settings > Advanced: switch on Resource Parameter Compatibility Profile, so that the `resource`
///    which hosts send selects the API. Otherwise tokens are opaque or for another API.
/// 3. Settings > Advanced: switch on Dynamic Client Registration, if hosts shall register themselves,
///    and promote a connection to the domain level.
///
/// # What hosts cannot do
///
/// Without step 3 hosts need a client that was registered by hand, or the
/// [broker](crate::Server::broker).
///
/// # Errors
///
/// `domain` is not a host.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::auth0("acme.eu.auth0.com")?).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn auth0(domain: &str) -> Result<Jwt, ConfigError> {
    let domain = parts::host("the domain of Auth0", domain)?;
    // The issuer ends in a slash.
    let verifier =
        jwks(format!("https://{domain}/"), format!("https://{domain}/.well-known/jwks.json"))?;
    Ok(verifier.accept_plain_jwt().scope_claims(["scope"]).of_product(&AUTH0))
}
