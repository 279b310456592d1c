//! Amazon Cognito.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, jwks,
        product::{Cause, Product},
    },
};

// `token_use`, `client_id`, no `aud`: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
// Scopes as `identifier/name`, resource binding: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
static COGNITO: Product = Product {
    name: "Cognito",
    hints: &[
        (
            Cause::OtherAudience,
            "the client asked for another resource: name a resource server of the pool {resource} (Branding > Domain > Resource servers), or let the client send no `resource`",
        ),
        (
            Cause::OtherType,
            "send the access token, whose `token_use` is `access`, and not the ID token",
        ),
        (
            Cause::OtherClient,
            "add the ID of the app client (Applications > App clients) to the clients that `cognito` got, if it may use this server",
        ),
        (
            Cause::OtherIssuer,
            "compare region and user pool ID with those of `cognito` (User pools > Overview)",
        ),
        (
            Cause::Scopes,
            "add the scope to the resource server (Branding > Domain > Resource servers), allow it to the app client (App clients > Login pages > Custom scopes), and set `Jwt::scope_prefix` to the identifier of the resource server with `/` at its end",
        ),
    ],
    hosts: &[
        parts::NO_REGISTRATION,
        "people sign in at the pool's domain, which the OpenID Connect metadata of the pool names; hosts that read RFC 8414 metadata alone do not find it",
    ],
};

/// Creates a verifier of the access tokens of a user pool of [Amazon Cognito](https://aws.amazon.com/cognito/)
/// that were issued to one of these app clients: region `eu-west-1`, pool `eu-west-1_AbCdEf123`.
///
/// The tokens name no audience, unless the client asked for a resource. The client stands for it, with
/// what that [loses](Jwt::client_as_audience): list only clients that use this server and no other API
/// of the pool. A token with an audience must be for the URL of the resource. Scopes are those of
/// `scope`; those of a resource server begin with its identifier, for [`Jwt::scope_prefix`].
///
/// # In the console
///
/// 1. User pools > Branding > Domain > Create resource server: its identifier is the URL of the
///    resource. Add the scopes of the tools, and call `scope_prefix` with the URL and `/`.
/// 2. Applications > App clients > Create: one for each host, a public client with the authorization
///    code grant, the host's redirect URI, and the scopes.
/// 3. Essentials and Plus bind tokens to a resource if the host sends `resource`, as MCP hosts do.
///
/// # What hosts cannot do
///
/// There is no registration and no client ID metadata document: people enter the ID of the app client
/// in the host, or the [broker](crate::Server::broker) is put in front.
///
/// # Errors
///
/// `region` or `pool` is not a name, the pool is of another region, or no client is listed.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let verifier = gate::cognito("eu-west-1", "eu-west-1_AbCdEf123", ["3n4b5urk1ft4fl3mg5e62d9ado"])?;
/// let gate = Gate::new(verifier.scope_prefix("https://tools.example/mcp/"))
///     .resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn cognito<S: Into<String>>(
    region: &str,
    pool: &str,
    clients: impl IntoIterator<Item = S>,
) -> Result<Jwt, ConfigError> {
    let region = parts::segment("the region of Cognito", region)?;
    let pool = parts::segment("the user pool of Cognito", pool)?;
    if pool.split('_').next() != Some(region) {
        return Err(ConfigError::new(format!("the user pool `{pool}` is not of `{region}`"))
            .help("the ID of a pool begins with its region: `eu-west-1_AbCdEf123`"));
    }
    let clients = parts::clients("cognito", clients)?;
    let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let keys = format!("{issuer}/.well-known/jwks.json");
    let verifier = jwks(issuer, keys)?
        .accept_plain_jwt()
        .token_use("token_use", ["access"])
        .client_as_audience(clients)
        .scope_claims(["scope"]);
    Ok(verifier.of_product(&COGNITO))
}
