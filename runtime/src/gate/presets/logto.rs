//! Logto.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// JWTs for a `resource` alone, opaque tokens otherwise: https://blog.logto.io/oidc-resource-and-jwt-access-token
// API resources: https://docs.logto.io/authorization/api-resources
static LOGTO: Product = Product {
    name: "Logto",
    hints: &[
        (
            Cause::Opaque,
            "it issues JWTs only for an API resource: create one with the identifier {resource} (API resources), and make it the default API if hosts send no `resource`",
        ),
        (
            Cause::NoAudience,
            "create an API resource with the identifier {resource} (API resources)",
        ),
        (
            Cause::OtherAudience,
            "create an API resource with the identifier {resource} (API resources), character by character; a token of an organization has another audience",
        ),
        (Cause::OtherType, "send the access token for the API resource, and not an ID token"),
        (
            Cause::OtherIssuer,
            "the issuer is ENDPOINT/oidc: give `logto` the endpoint or custom domain that hosts are sent to",
        ),
        (
            Cause::Scopes,
            "add a permission of this name to the API resource, and to a role of the user (Roles)",
        ),
    ],
    hosts: &[parts::NO_REGISTRATION],
};

/// Creates a verifier of the access tokens of a [Logto](https://docs.logto.io) tenant:
/// `https://acme.logto.app`, or its custom domain.
///
/// A token must be for the URL of the resource. Scopes are those of `scope`, which are the permissions of
/// the API resource that the user has and the host asked for.
///
/// # In the console
///
/// 1. API resources > Create: its identifier is the URL of the resource. Add a permission for each scope
///    of the tools.
/// 2. Roles: create roles with the permissions, and assign them to people.
/// 3. Applications > Create: a native or third-party application for each host, with its redirect URI.
///
/// # What hosts cannot do
///
/// They cannot register themselves: register each by hand, or put the [broker](crate::Server::broker)
/// in front.
///
/// # Errors
///
/// `endpoint` is not an https URL (http is accepted for this machine).
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::logto("https://acme.logto.app")?).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn logto(endpoint: &str) -> Result<Jwt, ConfigError> {
    let endpoint = parts::base("the endpoint of Logto", endpoint)?;
    Ok(oidc(format!("{endpoint}/oidc"))?.scope_claims(["scope"]).of_product(&LOGTO))
}
