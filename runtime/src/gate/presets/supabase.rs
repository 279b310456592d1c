//! Supabase Auth.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// Claims of tokens of the OAuth server: https://supabase.com/docs/guides/auth/oauth-server/token-security
// The hook: https://supabase.com/docs/guides/auth/auth-hooks/custom-access-token-hook
static SUPABASE: Product = Product {
    name: "Supabase",
    hints: &[
        (
            Cause::OtherAudience,
            "every token is for `authenticated` there: let a custom access token hook (Authentication > Hooks) set `aud` to {resource} if the claims have a `client_id`",
        ),
        (
            Cause::NoAudience,
            "let the custom access token hook (Authentication > Hooks) set `aud` to {resource}",
        ),
        (
            Cause::OtherClaim,
            "the token is the session of an application, without `client_id`: hosts get theirs from the OAuth server (Authentication > OAuth Server)",
        ),
        (
            Cause::Algorithm,
            "the project signs with its legacy secret (HS256): migrate to asymmetric signing keys (Project settings > JWT keys)",
        ),
        (
            Cause::Scopes,
            "its scopes are those of OpenID Connect alone: let the custom access token hook set `permissions` to a list of what the user may do",
        ),
    ],
    hosts: &[
        "hosts can register themselves only after Dynamic Client Registration is switched on (Authentication > OAuth Server), and people consent on a page of your own application",
        "the `resource` of hosts is ignored: the audience comes from a hook",
        "hosts cannot ask for scopes of your own",
    ],
};

/// Creates a verifier of the access tokens that the OAuth server of a
/// [Supabase](https://supabase.com/docs/guides/auth/oauth-server) project issues to hosts. The project is
/// its URL: `https://abcdefgh.supabase.co`.
///
/// Without a hook every token of a project, that of a person's session in an application included, is
/// for `authenticated`, so one of them would be enough to get in here. Therefore a token must be for the URL of the
/// resource, which a hook sets, and have a `client_id`. Scopes are those of the claim `permissions`, which
/// the hook sets as well.
///
/// # In the dashboard
///
/// 1. Project settings > JWT keys: migrate to asymmetric keys.
/// 2. Authentication > OAuth Server: switch it on, with the path of your consent page, and Dynamic Client
///    Registration.
/// 3. Authentication > Hooks: add a custom access token hook. Where the event's `claims` have a
///    `client_id`, it sets `aud` to the URL of the resource, and `permissions` to a list such as
///    `["orders:read"]`.
///
/// Without a hook,
/// [`audience`](Jwt::audience)`(["authenticated"])` with [`client_as_audience`](Jwt::client_as_audience)
/// accepts the tokens of listed clients, which other APIs of the project accept too.
///
/// # What hosts cannot do
///
/// They cannot ask for scopes of yours, and their `resource` is ignored.
///
/// # Errors
///
/// `project` is not an https URL (http is accepted for this machine).
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::supabase("https://abcdefgh.supabase.co")?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn supabase(project: &str) -> Result<Jwt, ConfigError> {
    let issuer = format!("{}/auth/v1", parts::base("the URL of the Supabase project", project)?);
    let keys = format!("{issuer}/.well-known/jwks.json");
    let verifier = jwks(issuer, keys)?
        .accept_plain_jwt()
        .require_any_of(&["client_id"])
        .scope_claims(["permissions"]);
    Ok(verifier.of_product(&SUPABASE))
}
