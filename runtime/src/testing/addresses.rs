//! Addresses of a server under test and of its client.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::RESOURCE;

/// The redirect URI of the client. Nothing listens there: a [`Person`](super::Person) stops before
/// it.
pub(super) const REDIRECT_URI: &str = "http://127.0.0.1:8766/signed-in";

/// The `Host` of a server under test.
pub(super) fn host() -> &'static str {
    RESOURCE.split('/').nth(2).unwrap_or_default()
}

/// The address that requests of a test come from.
pub(super) fn peer() -> ConnectInfo<SocketAddr> {
    ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)))
}

/// The path of the page on which development people sign in.
pub(crate) const DEV_LOGIN_PATH: &str = "/dev/login";
