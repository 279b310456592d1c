//! Consent: the authorization code flow with PKCE that creates or widens a grant.
//!
//! The person gets a link of this server (`/connect/..`). It is opaque, and the browser that opens
//! it must be signed in as the person for whom the tool was called. Only then the browser goes to
//! the provider, and it comes back to `/callback/..`
//! ([`authorization_flow`](crate::browser::authorization_flow)).

pub(crate) mod accounts;
pub(crate) mod allow;
pub(crate) mod callback;
pub(crate) mod client_page;
pub(crate) mod connect;
pub(crate) mod consents;
pub(crate) mod page;
pub(crate) mod routes;

pub(crate) use self::consents::{ConsentOwner, Consents, ConsentsConfig, Link, Progress};
