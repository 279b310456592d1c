//! Browsers that come to this server: cookies, pages, and signing in with an authorization server.

pub(crate) mod cookie;
pub(crate) mod identity;
pub(crate) mod local_request;
pub(crate) mod sign_in;
pub(crate) mod sign_in_client;
