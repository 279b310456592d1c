//! Stytch.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// Claims, and `access_token_custom_audience`:
// https://stytch.com/docs/api-reference/b2b/api/connected-apps/tokens/connected-app-access-token-object
// The project as an audience: the provider `stytch` of Skybridge 2.0.
static STYTCH: Product = Product {
    name: "Stytch",
    hints: &[
        (
            Cause::OtherAudience,
            "set the custom audience of the connected app (`access_token_custom_audience`) to {resource}, or compare the project ID with that of `stytch`",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is the project's domain (Project settings > Custom domains): tokens that were requested at stytch.com have another",
        ),
        (
            Cause::OtherClaim,
            "the token has no scope, so it is a session or an ID token: send the access token of a connected app",
        ),
        (
            Cause::Scopes,
            "add the scope to the RBAC policy (Access control), and to the connected app",
        ),
    ],
    hosts: &[
        "hosts can register themselves only after Dynamic Client Registration is switched on (Connected apps > Settings); people consent on a page of your own application",
        "the `resource` of hosts does not bind a token to this server: a token with the project as its audience is for every API of the project",
    ],
};

/// Creates a verifier of the access tokens that a [Stytch](https://stytch.com/docs/connected-apps)
/// project issues to connected apps: the domain is the project's own or a custom one, the project is its
/// ID, `project-live-..`.
///
/// A token must be for the project or the URL of the resource, and have scopes, which are those of
/// `scope`: sessions are for the project too and have none. Tokens for the project are **not bound to
/// this server**. Other APIs of the project accept them as well, so give the tools scopes of their own.
///
/// # In the dashboard
///
/// 1. Connected apps: switch on Dynamic Client Registration, and set the URL of your consent page.
/// 2. Access control: add the scopes of the tools, and who may grant them.
///
/// # What hosts cannot do
///
/// Their `resource` has no effect. For a client that was made by hand,
/// `access_token_custom_audience` binds tokens to the URL of the resource.
///
/// # Errors
///
/// `domain` is not a host, or `project` is not an ID.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let verifier = gate::stytch("login.acme.example", "project-live-c60c0abe")?;
/// let gate = Gate::new(verifier).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn stytch(domain: &str, project: &str) -> Result<Jwt, ConfigError> {
    let domain = parts::host("the domain of Stytch", domain)?;
    let project = parts::segment("the project of Stytch", project)?;
    let verifier = oidc(format!("https://{domain}"))?
        .audience([project])
        .accept_plain_jwt()
        .require_any_of(&["scope"])
        .scope_claims(["scope"]);
    Ok(verifier.of_product(&STYTCH))
}
