//! Ory Network and Ory Hydra.

use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// The strategy: https://www.ory.sh/docs/oauth2-oidc/jwt-access-token
// The audience of access tokens: https://www.ory.sh/docs/hydra/guides/audiences
static ORY: Product = Product {
    name: "Ory",
    hints: &[
        (
            Cause::Opaque,
            "set `strategies.access_token` to `jwt` (OAuth 2 > Configuration), or verify opaque tokens by `gate::introspection`",
        ),
        (
            Cause::NoAudience,
            "add {resource} to the `audience` of the client, and let your consent application grant it (`grant_access_token_audience`): the `resource` of hosts is ignored",
        ),
        (
            Cause::OtherAudience,
            "add {resource} to the `audience` of the client, and let your consent application grant it (`grant_access_token_audience`): the `resource` of hosts is ignored",
        ),
        (
            Cause::OtherIssuer,
            "give `ory` the issuer as the metadata has it, with or without a slash at its end",
        ),
        (
            Cause::Scopes,
            "add the scope to the `scope` of the client, and let your consent application grant it",
        ),
    ],
    hosts: &[
        "hosts can register themselves only if `oidc.dynamic_client_registration.enabled` is set, and such clients have no `audience`: let your consent application grant the URL of the server",
        "the `resource` of hosts is ignored",
    ],
};

/// Creates a verifier of the access tokens of [Ory](https://www.ory.sh/docs) Network or a Hydra of your
/// own. The issuer is written as its metadata has it, with or without a slash at its end:
/// `https://acme.projects.oryapis.com`.
///
/// A token must be for the URL of the resource. Scopes are those of `scp` and `scope`.
///
/// # In the configuration
///
/// 1. `strategies.access_token: jwt`, because tokens are opaque otherwise.
/// 2. `oidc.dynamic_client_registration.enabled: true`, if hosts shall register themselves, and
///    `default_scope` with the scopes of the tools.
/// 3. Your consent application grants the URL of the resource as the access token's audience, if the
///    person consents to one of the tools' scopes.
///
/// # What hosts cannot do
///
/// Their `resource` is ignored: the audience is what the consent application grants.
///
/// # Errors
///
/// `issuer` is not an https URL (http is accepted for this machine).
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::ory("https://acme.projects.oryapis.com")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn ory(issuer: &str) -> Result<Jwt, ConfigError> {
    Ok(oidc(issuer)?.accept_plain_jwt().scope_claims(["scp", "scope"]).of_product(&ORY))
}
