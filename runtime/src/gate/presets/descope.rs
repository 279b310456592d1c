//! Descope.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// MCP servers, each with an issuer of its own: https://docs.descope.com/agentic-identity-hub/mcp-servers
// Audience and scopes of a resource: https://docs.descope.com/identity-federation/resources
static DESCOPE: Product = Product {
    name: "Descope",
    hints: &[
        (
            Cause::OtherAudience,
            "set the MCP server's URL to {resource} (Agentic Identity Hub > MCP Servers)",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is that of the MCP server, `/v1/apps/agentic/PROJECT/SERVER` (Agentic Identity Hub > MCP Servers > Connection information): tokens of inbound apps and sessions have another",
        ),
        (
            Cause::OtherClaim,
            "the token has no scope, so it is an ID token or a session: send the access token",
        ),
        (
            Cause::Scopes,
            "add the scope to the MCP server (Agentic Identity Hub > MCP Servers > Scopes), and to a policy that allows it",
        ),
    ],
    hosts: &[
        "hosts can register themselves if Dynamic Client Registration or CIMD is on for the MCP server (Agentic Identity Hub > MCP Servers > Client registration)",
    ],
};

/// Creates a verifier of the access tokens that [Descope](https://docs.descope.com) issues for an MCP
/// server of a project. The base is `https://api.descope.com`, that of another region, or a custom
/// domain.
///
/// A token must be of the issuer of this MCP server, and for the project or the URL of the resource. It
/// must have scopes, which are those of `scope`, because ID tokens and sessions have the project as
/// their audience too.
///
/// # In the console
///
/// 1. Agentic Identity Hub > MCP Servers > add one, with the URL of the resource.
/// 2. Add the scopes of the tools, and allow them by a policy.
/// 3. Switch on Dynamic Client Registration, CIMD, or both.
///
/// # Errors
///
/// `base` is not an https URL (http is accepted for this machine), or one of the others is not an ID.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let verifier = gate::descope("https://api.descope.com", "P2abc123", "MS4def567")?;
/// let gate = Gate::new(verifier).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn descope(base: &str, project: &str, server: &str) -> Result<Jwt, ConfigError> {
    let base = parts::base("the URL of Descope", base)?;
    let project = parts::segment("the project of Descope", project)?;
    let server = parts::segment("the MCP server of Descope", server)?;
    let verifier = jwks(
        format!("{base}/v1/apps/agentic/{project}/{server}"),
        format!("{base}/{project}/.well-known/jwks.json"),
    )?;
    let verifier = verifier
        .audience([project])
        .accept_plain_jwt()
        .require_any_of(&["scope"])
        .scope_claims(["scope"]);
    Ok(verifier.of_product(&DESCOPE))
}
