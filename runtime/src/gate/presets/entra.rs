//! Microsoft Entra ID.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// `aud`, `azp`, `scp`, `roles`: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
// ID tokens have no `azp` and no `scp`: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
static ENTRA: Product = Product {
    name: "Entra",
    hints: &[
        (
            Cause::OtherAudience,
            "the token is for another application: hosts must ask for the scopes of this one (Expose an API), in the form APPLICATION-ID-URI/SCOPE; compare `Jwt::scope_prefix` with the Application ID URI",
        ),
        (
            Cause::OtherIssuer,
            "an issuer `https://sts.windows.net/..` is of version 1: set `api.requestedAccessTokenVersion` to 2 in the manifest of the application; another `https://login.microsoftonline.com/..` is another tenant",
        ),
        (Cause::OtherType, "send the access token of the application, and not an ID token"),
        (
            Cause::OtherClaim,
            "an ID token, or a token of an application without a role: expose a scope (Expose an API) for people, assign an app role (App roles) to machines",
        ),
        (
            Cause::Scopes,
            "add the scope (Expose an API > Add a scope) and let the client ask for it; machines need an app role of the same name (App roles)",
        ),
    ],
    hosts: &[
        "hosts cannot register themselves there: put a broker in front (`Server::broker`), or register a client for each host by hand and list it under Expose an API > Authorized client applications",
        "a host that sends `resource` is refused unless it is the Application ID URI: set that to the URL of the server, and `Jwt::scope_prefix` to the URL with `/` at its end",
    ],
};

/// Creates a verifier of the access tokens that a tenant of
/// [Microsoft Entra ID](https://learn.microsoft.com/entra/identity-platform/) issues for an application:
/// both are GUIDs, the directory (tenant) ID and the application (client) ID of the registration that
/// stands for this server.
///
/// A token must be of version 2 and for the application. Scopes are those of `scp`, and of `roles` for
/// tokens without a user. Clients are told to ask for `api://APPLICATION/SCOPE`.
///
/// # In the admin center
///
/// 1. App registrations > New registration: one for this server.
/// 2. Manifest: set `api.requestedAccessTokenVersion` to 2.
/// 3. Expose an API: set the Application ID URI to the URL of the resource, which hosts send as
///    `resource`, and call [`scope_prefix`](Jwt::scope_prefix) with that URL and `/`. The default,
///    `api://APPLICATION`, is for clients that send no `resource`.
/// 4. Expose an API > Add a scope: one for each scope of the tools, with the same name. For machines
///    add app roles.
///
/// # What hosts cannot do
///
/// There is no dynamic registration. Register a client for each host (App registrations, platform
/// "Mobile and desktop applications", with the host's redirect URI), or put the
/// [broker](crate::Server::broker) in front. Client ID metadata documents were in preview in November
/// 2026.
///
/// National clouds have other issuers: use [`jwks`](crate::gate::jwks) with the options of [`Jwt`].
///
/// # Errors
///
/// One of the two is not a GUID: `common` and `organizations` let in people of every tenant, and have
/// no issuer of their own.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let verifier = gate::entra(
///     "72f988bf-86f1-41af-91ab-2d7cd011db47",
///     "5d1ffa2c-9d3e-4b0f-9f0a-1c5a4b7a2e10",
/// )?;
/// let gate = Gate::new(verifier.scope_prefix("https://tools.example/mcp/"))
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn entra(tenant: &str, application: &str) -> Result<Jwt, ConfigError> {
    let tenant = parts::guid(
        "the tenant of Entra",
        tenant,
        "it is the Directory (tenant) ID; a name or `common` is not the issuer of tokens",
    )?;
    let application = parts::guid(
        "the application of Entra",
        application,
        "it is the Application (client) ID of the registration of this server",
    )?;
    let (tenant, application) = (tenant.to_lowercase(), application.to_lowercase());
    let origin = "https://login.microsoftonline.com";
    let verifier =
        jwks(format!("{origin}/{tenant}/v2.0"), format!("{origin}/{tenant}/discovery/v2.0/keys"))?;
    let verifier = verifier
        .accept_plain_jwt()
        .scope_prefix(format!("api://{application}/"))
        .audience([application])
        .scope_claims(["scp", "roles"])
        // ID tokens have the same audience if the client is the application itself.
        .require_any_of(&["azp"])
        // A machine gets a token for every application, without a role.
        .require_any_of(&["scp", "roles"])
        .user_claim("scp");
    Ok(verifier.of_product(&ENTRA))
}
