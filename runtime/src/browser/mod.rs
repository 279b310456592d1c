//! The browser's side of the server: cookies, CSRF tokens, pages, and signing in with an
//! authorization server.
//!
//! Three features send a browser to an authorization server and wait for its return: connecting a
//! provider ([`consent`](crate::consent)), [`Gate::sign_in`](crate::gate::Gate::sign_in)
//! ([`sign_in`]) and the broker. All of them use [`authorization_flow`], so all of them have the
//! same guarantees; each adds what it does with the tokens.

pub(crate) mod authenticator;
pub(crate) mod authorization_flow;
pub(crate) mod authorization_response;
pub(crate) mod cookie;
pub(crate) mod csrf;
pub(crate) mod error_pages;
pub(crate) mod form;
pub(crate) mod local_request;
pub(crate) mod page;
pub(crate) mod pending_authorization;
pub(crate) mod request_limit;
pub(crate) mod sign_in;
pub(crate) mod sign_in_sessions;
pub(crate) mod site;
pub(crate) mod traced;

/// The path of the page on which people see and disconnect their accounts.
pub(crate) const ACCOUNTS_PATH: &str = "/accounts";

/// The path below which links to connect an account are.
pub(crate) const CONNECT_PATH: &str = "/connect";

/// The path below which providers send the browser back.
pub(crate) const CALLBACK_PATH: &str = "/callback";
