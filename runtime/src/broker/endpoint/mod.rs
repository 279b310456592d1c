//! The endpoints of the authorization server.

pub(crate) mod authorization_redirect;
pub(crate) mod authorize;
pub(crate) mod callback;
pub(crate) mod consent;
pub(crate) mod error;
pub(crate) mod identity_assertion;
pub(crate) mod metadata;
pub(crate) mod register;
pub(crate) mod request;
pub(crate) mod revoke;
pub(crate) mod token;
