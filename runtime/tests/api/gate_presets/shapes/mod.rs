//! Shapes of the tokens of each product: its header and its claims, and those of tokens that look alike.

mod applications;
mod enterprise;
mod open_source;

use serde_json::Value;
use toolgate::{ConfigError, gate::Jwt};

use crate::issuer::{KEYS, SigningKey};

/// A change of a token that is refused.
pub(super) struct NearMiss {
    pub(super) name: &'static str,
    pub(super) header: Value,
    pub(super) claims: Value,
}

/// The tokens of a product.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) preset: fn() -> Result<Jwt, ConfigError>,
    pub(super) key: fn() -> &'static SigningKey,
    pub(super) header: Value,
    /// The claims of a person's token, without times.
    pub(super) claims: Value,
    /// The scope `orders:read` is in these claims; without them there is none.
    pub(super) scope_claims: &'static [&'static str],
    /// Changes that make a scope of another API of it.
    pub(super) foreign_scope: Value,
    /// The issuer of another tenant, realm, pool or instance.
    pub(super) other_tenant: &'static str,
    /// The audience of another application or resource of the same tenant.
    pub(super) other_audience: Value,
    /// The claim with the client, if only listed clients are accepted.
    pub(super) client_claim: Option<&'static str>,
    /// Changes that make an ID token of it.
    pub(super) id_token: (Value, Value),
    /// Changes that make a machine's token of it.
    pub(super) machine: Option<Value>,
    /// Other good tokens.
    pub(super) good: Vec<(&'static str, Value, Value)>,
    /// Near misses of this product.
    pub(super) near_misses: Vec<NearMiss>,
}

fn miss(name: &'static str, header: Value, claims: Value) -> NearMiss {
    NearMiss { name, header, claims }
}

fn rs256() -> &'static SigningKey {
    &KEYS.rs256
}

fn es256() -> &'static SigningKey {
    &KEYS.es256
}

fn es384() -> &'static SigningKey {
    &KEYS.es384
}

fn eddsa() -> &'static SigningKey {
    &KEYS.eddsa
}

pub(super) fn all() -> Vec<Shape> {
    vec![
        enterprise::auth0(),
        enterprise::entra(),
        enterprise::okta(),
        enterprise::keycloak(),
        enterprise::cognito(),
        applications::clerk(),
        applications::workos(),
        applications::supabase(),
        applications::scalekit(),
        applications::descope(),
        applications::stytch(),
        open_source::zitadel(),
        open_source::authentik(),
        open_source::logto(),
        open_source::ory(),
        open_source::better_auth(),
    ]
}
