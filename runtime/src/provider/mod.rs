//! Upstream providers: what `#[provider]` declares, and the client that an operator registers.

mod account_endpoint;
mod api;
mod api_signals;
mod client_auth;
mod dialect;
mod grant_type;
mod missing;
mod oauth_client;
mod person_values;
mod placeholder;
pub mod profile;
mod refresh_tokens;
mod registration;
mod revocation;
mod scope_names;
mod stand_in_address;
mod token_pointers;
mod upstream;

#[cfg_attr(not(any(test, feature = "testing")), expect(unused_imports))]
pub(crate) use self::stand_in_address::StandInAddress;
pub use self::{
    account_endpoint::AccountEndpoint,
    api::Api,
    api_signals::{ApiSignals, Condition, Place},
    client_auth::ClientAuth,
    dialect::{Dialect, Pairs},
    grant_type::GrantType,
    missing::NoProvider,
    oauth_client::OAuthClient,
    placeholder::{Placeholder, PlaceholderSource},
    refresh_tokens::RefreshTokens,
    revocation::{BodyFormat, Revocation, RevocationMethod, RevokedTokens, TokenPlace},
    token_pointers::TokenPointers,
    upstream::Provider,
};
pub(crate) use self::{
    person_values::ValueShape,
    placeholder::{FillError, PlaceholderValues},
    registration::Registration,
};
