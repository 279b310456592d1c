//! Low-level pieces that every module shares: none of them knows of tools or of OAuth roles.

#[cfg(feature = "broker")]
pub(crate) mod address;
pub(crate) mod background;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod crash_point;
pub(crate) mod crypto;
pub(crate) mod escape;
pub(crate) mod file_mode;
pub(crate) mod forwarded;
pub(crate) mod hand_over;
pub(crate) mod http_client;
pub(crate) mod outage;
pub(crate) mod rate_limit;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod rfc3339;
pub(crate) mod run_time;
pub(crate) mod single_flight;
pub(crate) mod suggest;
pub(crate) mod url;
