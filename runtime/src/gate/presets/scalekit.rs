//! Scalekit.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// Resources, their metadata and registration: https://docs.scalekit.com/authenticate/mcp/quickstart/
// Both issuers: the provider `scalekit` of FastMCP 4.2, which accepts both.
static SCALEKIT: Product = Product {
    name: "Scalekit",
    hints: &[
        (
            Cause::NoAudience,
            "let hosts sign in through the MCP server (MCP servers), whose metadata is at ENVIRONMENT/.well-known/oauth-authorization-server/resources/RESOURCE",
        ),
        (
            Cause::OtherAudience,
            "the token is for another MCP server of the environment: compare the resource ID (MCP servers) with that of `scalekit`, and the server's URL with {resource}",
        ),
        (
            Cause::OtherIssuer,
            "compare the environment URL (Settings > API credentials) with that of `scalekit`: development and production have different ones",
        ),
        (
            Cause::Scopes,
            "add the scope to the MCP server (MCP servers > Advanced settings > Scopes)",
        ),
    ],
    hosts: &[
        "hosts can register themselves if Dynamic Client Registration and CIMD are on for the MCP server (MCP servers > Advanced settings), which is the default",
    ],
};

/// Creates a verifier of the access tokens that a [Scalekit](https://docs.scalekit.com) environment
/// issues for an MCP server: the environment is `https://acme.scalekit.com`, the resource is the ID
/// `res_..` of the server.
///
/// A token must be for the resource ID or for the URL of the resource. Its issuer is the environment or
/// the resource's own, `ENVIRONMENT/resources/RESOURCE`; a person who moves from one to the other counts
/// as another person here. Scopes are those of `scope`.
///
/// # In the dashboard
///
/// 1. MCP servers > Add MCP server, with the URL of the resource, and the scopes of the tools under
///    Advanced settings.
/// 2. Keep Dynamic Client Registration and CIMD on.
///
/// # Errors
///
/// `environment` is not an https URL (http is accepted for this machine), or `resource` is not an ID.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::scalekit("https://acme.scalekit.com", "res_57923487")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn scalekit(environment: &str, resource: &str) -> Result<Jwt, ConfigError> {
    let environment = parts::base("the environment of Scalekit", environment)?;
    let resource = parts::segment("the resource of Scalekit", resource)?;
    let verifier =
        jwks(format!("{environment}/resources/{resource}"), format!("{environment}/keys"))?
            .issuers([environment])
            .audience([resource])
            .accept_plain_jwt()
            // ID tokens are for clients, and have none.
            .scope_claims(["scope"]);
    Ok(verifier.of_product(&SCALEKIT))
}
