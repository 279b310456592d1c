//! Upstream providers: what `#[provider]` declares, and the client that an operator registers.

mod api_signals;
mod dialect;
mod missing;
mod oauth_client;
mod placeholder;
mod refresh_tokens;
mod registration;
mod revocation;
mod token_pointers;
mod upstream;

pub(crate) use self::registration::Registration;
pub use self::{
    api_signals::{ApiSignals, Condition, Place},
    dialect::{ClientAuth, Dialect, Pairs},
    missing::NoProvider,
    oauth_client::OAuthClient,
    placeholder::{Placeholder, PlaceholderSource},
    refresh_tokens::RefreshTokens,
    revocation::{BodyFormat, Revocation, RevocationMethod, RevokedTokens, TokenPlace},
    token_pointers::TokenPointers,
    upstream::Provider,
};
