//! Upstream providers: what `#[provider]` declares, and the client that an operator registers.

mod dialect;
mod missing;
mod oauth_client;
mod registration;
mod upstream;

pub(crate) use self::registration::Registration;
pub use self::{
    dialect::{ClientAuth, Dialect},
    missing::NoProvider,
    oauth_client::OAuthClient,
    upstream::Provider,
};
