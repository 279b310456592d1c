//! ZITADEL.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// Which token has which claim, `jti` in access tokens alone: https://zitadel.com/docs/apis/openidoauth/claims
// The audience by a scope, roles: https://zitadel.com/docs/apis/openidoauth/scopes
static ZITADEL: Product = Product {
    name: "ZITADEL",
    hints: &[
        (
            Cause::Opaque,
            "set the Auth Token Type of the application to JWT (Projects > Applications > Token Settings); machines need it as well (Users > Service Users)",
        ),
        (
            Cause::OtherAudience,
            "let clients of other projects ask for the scope `urn:zitadel:iam:org:project:id:PROJECT:aud` with the ID of the project that `zitadel` got",
        ),
        (Cause::OtherClaim, "the token has no `jti`, so it is an ID token: send the access token"),
        (
            Cause::Scopes,
            "add a role of this name to the project (Projects > Roles), grant it to the user (Role Assignments), and switch on Assert Roles on Authentication (Projects > General)",
        ),
    ],
    hosts: &[
        parts::NO_REGISTRATION,
        "hosts cannot ask for scopes of your own: a token has the roles of its user",
    ],
};

/// Creates a verifier of the access tokens that a [ZITADEL](https://zitadel.com/docs) instance issues for
/// a project: the base is the URL of the instance, the project is its ID.
///
/// A token must be for the project and have a `jti`, which ID tokens lack: they are for the project too.
/// Scopes are the roles of the user in the project, from the claim
/// `urn:zitadel:iam:org:project:PROJECT:roles`; `scope` does not count, because clients choose what is
/// in it. Tokens are bound to the project, so give this server one of its own.
///
/// # In the console
///
/// 1. Projects > Create: one for this server. Under Roles, add one for each scope of the tools, and
///    switch on Assert Roles on Authentication.
/// 2. In the project, Applications > New: a native application for each host, with PKCE and the host's
///    redirect URI; Token Settings: Auth Token Type JWT.
/// 3. Role Assignments: grant the roles to people.
///
/// # What hosts cannot do
///
/// Registration (RFC 7591) is off by default; register each host by hand, or put the
/// [broker](crate::Server::broker) in front. They cannot ask for single roles.
///
/// # Errors
///
/// `base` is not an https URL (http is accepted for this machine), or `project` is not an ID.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::zitadel("https://acme.zitadel.cloud", "344374183645413380")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn zitadel(base: &str, project: &str) -> Result<Jwt, ConfigError> {
    let base = parts::base("the URL of ZITADEL", base)?;
    let project = parts::segment("the project of ZITADEL", project)?;
    let verifier = oidc(base)?
        .audience([project])
        .accept_plain_jwt()
        .require_any_of(&["jti"])
        .scope_claims([format!("urn:zitadel:iam:org:project:{project}:roles")]);
    Ok(verifier.of_product(&ZITADEL))
}
