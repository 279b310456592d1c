//! Upstream providers: what `#[provider]` declares, and the client that an operator registers.

mod dialect;
mod oauth_client;
mod registration;
mod upstream;

pub(crate) use self::registration::Registration;
pub use self::{
    dialect::{ClientAuth, Dialect},
    oauth_client::OAuthClient,
    upstream::Provider,
};
