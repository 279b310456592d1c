//! Low-level pieces that every module shares: none of them knows of tools or of OAuth roles.

#[cfg(feature = "broker")]
pub(crate) mod address;
pub(crate) mod background;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod escape;
pub(crate) mod forwarded;
pub(crate) mod http_client;
pub(crate) mod rate_limit;
pub(crate) mod single_flight;
pub(crate) mod suggest;
pub(crate) mod url;
