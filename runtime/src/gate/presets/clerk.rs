//! Clerk.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// JWTs as OAuth access tokens: https://clerk.com/changelog/2026-01-08-jwt-oauth-access-tokens
// Their type is `at+jwt`, session tokens have another: `isOAuthJwt` of @clerk/backend.
static CLERK: Product = Product {
    name: "Clerk",
    hints: &[
        (
            Cause::Opaque,
            "switch on Generate access tokens as JWTs (OAuth applications > Settings), or verify opaque tokens by `gate::introspection` with FRONTEND-API/oauth/token_info",
        ),
        (
            Cause::OtherType,
            "send the access token of an OAuth application, and not a session token (getToken())",
        ),
        (
            Cause::OtherAudience,
            "the token names another API as its audience: OAuth access tokens have none, so send one of those",
        ),
        (
            Cause::OtherClient,
            "add the client ID of the OAuth application to the clients that `clerk` got, if it may use this server",
        ),
        (
            Cause::OtherIssuer,
            "the issuer is the Frontend API URL of the instance (Configure > Domains): development and production have different ones",
        ),
        (Cause::Scopes, "allow the scope to the OAuth application (OAuth applications > Scopes)"),
    ],
    hosts: &[
        "hosts that register themselves (OAuth applications > Settings > Dynamic client registration) get a new client ID each time, which no list has: create an OAuth application for each host, or put a broker in front (`Server::broker`)",
    ],
};

/// Creates a verifier of the OAuth access tokens of a [Clerk](https://clerk.com) instance that were
/// issued to one of these OAuth applications, by their client IDs. `frontend_api` is the host of the
/// Frontend API: `clerk.acme.example`, or `acme-12.clerk.accounts.dev` in development.
///
/// The tokens name no audience. The client stands for it, with what that
/// [loses](Jwt::client_as_audience). Session tokens are refused by their type. Scopes are those of
/// `scope`.
///
/// # In the dashboard
///
/// 1. OAuth applications > Add: one for each host, public, with the host's redirect URI and the scopes.
/// 2. OAuth applications > Settings: switch on Generate access tokens as JWTs.
///
/// # What hosts cannot do
///
/// A host that registers itself has a client ID that no list names in advance, so it is refused. For
/// such hosts put the [broker](crate::Server::broker) in front.
///
/// # Errors
///
/// `frontend_api` is not a host, or no client is listed.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let gate = Gate::new(gate::clerk("clerk.acme.example", ["2xhFjEI5X2qWRvtV"])?)
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn clerk<S: Into<String>>(
    frontend_api: &str,
    clients: impl IntoIterator<Item = S>,
) -> Result<Jwt, ConfigError> {
    let host = parts::host("the Frontend API of Clerk", frontend_api)?;
    let clients = parts::clients("clerk", clients)?;
    let verifier =
        jwks(format!("https://{host}"), format!("https://{host}/.well-known/jwks.json"))?;
    let verifier = verifier.client_as_audience(clients).scope_claims(["scope"]);
    Ok(verifier.of_product(&CLERK))
}
