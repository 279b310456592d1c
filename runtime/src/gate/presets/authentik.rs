//! authentik.

use super::parts;
use crate::{
    error::ConfigError,
    gate::{
        Jwt, oidc,
        product::{Cause, Product},
    },
};

// `azp` and `uid` are in access tokens alone, `aud` is the client: `IDToken.to_access_token` of
// https://github.com/goauthentik/authentik/blob/main/authentik/providers/oauth2/id_token.py
// Scope mappings: https://docs.goauthentik.io/add-secure-apps/providers/property-mappings/
static AUTHENTIK: Product = Product {
    name: "authentik",
    hints: &[
        (
            Cause::OtherAudience,
            "compare the client ID of the provider (Applications > Providers) with that of `authentik`",
        ),
        (
            Cause::OtherIssuer,
            "set the issuer mode of the provider to `Each provider has a different issuer` (Applications > Providers > Advanced protocol settings), and compare the slug of the application with that of `authentik`",
        ),
        (
            Cause::OtherClaim,
            "the token has no `azp` or `uid`, so it is an ID token: send the access token",
        ),
        (
            Cause::Algorithm,
            "choose a signing key for the provider (Applications > Providers > Signing Key): without one it signs with the client secret",
        ),
        (
            Cause::Scopes,
            "add a scope mapping of this name (Customization > Property Mappings) to the provider, and one that returns {\"scope\": \" \".join(token.scope)}, if tokens have no `scope`",
        ),
    ],
    hosts: &[
        parts::NO_REGISTRATION,
        "all hosts share one client, because the client is the audience",
    ],
};

/// Creates a verifier of the access tokens of an application of [authentik](https://goauthentik.io): the
/// base is the URL of the instance, the application is its slug, and the client is the client ID of its
/// provider.
///
/// The audience of a token is the client. ID tokens have the same one, so a token must have `azp` and
/// `uid`, which only access tokens have. Scopes are those of `scope`.
///
/// # In the admin interface
///
/// 1. Applications > Create with provider: OAuth2/OpenID, a public client, with the redirect URIs of the
///    hosts and a signing key. The issuer mode is that each provider has a different issuer.
/// 2. Customization > Property Mappings: a scope mapping for each scope of the tools, and one that
///    returns `{"scope": " ".join(token.scope)}`, if your version leaves `scope` out of access tokens.
///    Select them in the provider. (That expression was not checked in authentik's documentation.)
///
/// # What hosts cannot do
///
/// There is no registration: people enter the client ID in the host, or the
/// [broker](crate::Server::broker) is put in front. Their `resource` is ignored.
///
/// # Errors
///
/// `base` is not an https URL (http is accepted for this machine), or one of the others is not a name.
///
/// ```
/// use toolgate::gate::{self, Gate};
///
/// # fn main() -> Result<(), toolgate::ConfigError> {
/// let verifier = gate::authentik("https://auth.acme.example", "tools", "Hq3w9vZ1")?;
/// let gate = Gate::new(verifier).resource("https://tools.example/mcp");
/// # let _ = gate;
/// # Ok(())
/// # }
/// ```
pub fn authentik(base: &str, application: &str, client: &str) -> Result<Jwt, ConfigError> {
    let base = parts::base("the URL of authentik", base)?;
    let application = parts::segment("the application of authentik", application)?;
    let client = parts::segment("the client of authentik", client)?;
    // The issuer ends in a slash.
    let verifier = oidc(format!("{base}/application/o/{application}/"))?
        .audience([client])
        .accept_plain_jwt()
        .require_claim("azp", [client])
        .require_any_of(&["uid"])
        .scope_claims(["scope"]);
    Ok(verifier.of_product(&AUTHENTIK))
}
