//! Okta.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// `aud`, `cid`, `uid`, `scp`: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
// Reserved claims: https://support.okta.com/help/s/article/list-of-reserved-claim-names
static OKTA: Product = Product {
    name: "Okta",
    hints: &[
        (
            Cause::OtherAudience,
            "set the audience of the authorization server to {resource} (Security > API > Authorization Servers > Settings)",
        ),
        (
            Cause::OtherIssuer,
            "an issuer without `/oauth2/..` is the org authorization server, whose tokens are for Okta alone: let hosts sign in at a custom one, and set its issuer to the Okta URL that `okta` got",
        ),
        (
            Cause::Scopes,
            "add the scope to the authorization server (Security > API > Authorization Servers > Scopes), and allow it in an access policy",
        ),
    ],
    hosts: &[
        "hosts cannot register themselves there without an administrator's token: put a broker in front (`Server::broker`), or create an app integration for each host",
    ],
};

/// Creates a verifier of the access tokens of a custom authorization server of
/// [Okta](https://developer.okta.com/docs/concepts/auth-servers/): the domain is `acme.okta.com` or a
/// custom one, the server is its ID, such as `default` or `aus1a2b3`.
///
/// A token must have the URL of the resource as its audience, which is a setting of the authorization
/// server, so each resource needs one of its own. Scopes are those of `scp`.
///
/// # In the admin console
///
/// 1. Security > API > Authorization Servers > Add: the audience is the URL of the resource.
/// 2. Scopes: add those of the tools.
/// 3. Access Policies: add one for the clients, with a rule that allows the scopes.
///
/// # What hosts cannot do
///
/// Registration needs an administrator's API token. Create an app integration for each host (OIDC,
/// native application, with the host's redirect URI), or put the [broker](crate::Server::broker) in
/// front.
///
/// # Errors
///
/// `domain` is not a host, or `server` is not an ID.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::okta("acme.okta.com", "aus1a2b3c4d5")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn okta(domain: &str, server: &str) -> Result<Jwt, ConfigError> {
    let domain = parts::host("the domain of Okta", domain)?;
    let server = parts::segment("the authorization server of Okta", server)?;
    let verifier = oidc(format!("https://{domain}/oauth2/{server}"))?;
    // An ID token has no `cid`.
    let verifier = verifier.accept_plain_jwt().scope_claims(["scp"]).require_any_of(&["cid"]);
    Ok(verifier.of_product(&OKTA))
}
