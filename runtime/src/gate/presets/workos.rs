//! WorkOS AuthKit.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// Resource indicators, CIMD and DCR: https://workos.com/docs/authkit/mcp
static WORKOS: Product = Product {
    name: "WorkOS",
    hints: &[
        (
            Cause::NoAudience,
            "add {resource} to the MCP resource indicators (Connect > Configuration)",
        ),
        (
            Cause::OtherAudience,
            "add {resource} to the MCP resource indicators (Connect > Configuration), character by character; a token for `client_..` is what a host gets that sent no `resource`",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is the AuthKit domain (Domains), and not `https://api.workos.com/..`, which is that of session tokens",
        ),
        (
            Cause::Scopes,
            "add a permission of this name (Authorization > Permissions) to a role of the user: AuthKit has no custom scopes, and its permissions count as scopes",
        ),
    ],
    hosts: &[
        "hosts can register themselves only after Client ID Metadata Document, and Dynamic Client Registration for older hosts, are switched on (Connect > Configuration)",
        "hosts cannot ask for single permissions: a token has those of its user",
    ],
};

/// Creates a verifier of the access tokens of [WorkOS AuthKit](https://workos.com/docs/authkit/mcp): the
/// domain is `acme.authkit.app` or a custom one.
///
/// A token must be for the URL of the resource. Scopes are those of `scope` and `permissions`, which are
/// the permissions of the user's role.
///
/// # In the dashboard
///
/// 1. Connect > Configuration: add the URL of the resource to the MCP resource indicators.
/// 2. There, switch on Client ID Metadata Document, and Dynamic Client Registration for older hosts.
/// 3. Authorization: add a permission for each scope of the tools, and roles that have them.
///
/// # What hosts cannot do
///
/// They cannot ask for single permissions, and a host gets all that its user has. A host that sends no
/// `resource` gets a token for its client ID, which is refused.
///
/// # Errors
///
/// `domain` is not a host.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::workos("acme.authkit.app")?).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn workos(domain: &str) -> Result<Jwt, ConfigError> {
    let domain = parts::host("the AuthKit domain", domain)?;
    let verifier = jwks(format!("https://{domain}"), format!("https://{domain}/oauth2/jwks"))?;
    let verifier = verifier.accept_plain_jwt().scope_claims(["scope", "permissions"]);
    Ok(verifier.of_product(&WORKOS))
}
