//! Low-level pieces that every room shares; nothing here knows of tools or OAuth roles.

pub(crate) mod address;
pub(crate) mod background;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod digest;
pub(crate) mod fetch;
pub(crate) mod random;
pub(crate) mod rate_limit;
pub(crate) mod suggest;
