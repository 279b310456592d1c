//! Better Auth.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// Claims and type: `createJwtAccessToken` of
// https://github.com/better-auth/better-auth/blob/main/packages/oauth-provider/src/token.ts
static BETTER_AUTH: Product = Product {
    name: "Better Auth",
    hints: &[
        (
            Cause::Opaque,
            "it issues JWTs only for a `resource`: add {resource} to the resources of the OAuth provider plugin, and the plugin `jwt`",
        ),
        (
            Cause::OtherAudience,
            "add {resource} to the resources of the OAuth provider plugin, character by character",
        ),
        (
            Cause::OtherType,
            "send the access token of the OAuth provider, and not a token of `/token` or an ID token; older versions of the plugin set no type: upgrade it",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is the base URL with its path, `https://HOST/api/auth`, unless `jwt.issuer` sets another",
        ),
        (
            Cause::Scopes,
            "add the scope to `scopes` of the OAuth provider plugin, and to those that clients may register",
        ),
    ],
    hosts: &[
        "hosts can register themselves only with `allowDynamicClientRegistration` and `allowUnauthenticatedClientRegistration` of the OAuth provider plugin",
    ],
};

/// Creates a verifier of the access tokens of the OAuth provider plugin of
/// [Better Auth](https://www.better-auth.com/docs/plugins/oauth-provider). The base is its URL with the
/// path: `https://app.example/api/auth`.
///
/// A token must be for the URL of the resource, and of the type `at+jwt`. Scopes are those of `scope`.
///
/// # In the code
///
/// 1. Add the plugins `jwt` and `oauthProvider`, with the URL of the resource among the resources
///    (`validAudiences` in older versions), and the scopes of the tools.
/// 2. Allow dynamic registration, also without a session, for hosts.
///
/// # Errors
///
/// `base` is not an https URL (http is accepted for this machine).
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::better_auth("https://app.example/api/auth")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn better_auth(base: &str) -> Result<Jwt, ConfigError> {
    let base = parts::base("the URL of Better Auth", base)?;
    let keys = format!("{base}/jwks");
    Ok(jwks(base, keys)?.scope_claims(["scope"]).of_product(&BETTER_AUTH))
}
