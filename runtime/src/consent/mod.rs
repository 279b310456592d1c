//! Consent: the authorization code flow with PKCE that creates or widens a grant.
//!
//! The person gets a link of this server (`/connect/..`). It is opaque, and the browser that opens
//! it must be signed in as the person for whom the tool was called. Only then the browser goes to
//! the provider, and it comes back to `/callback/..`
//! ([`authorization_flow`](crate::browser::authorization_flow)).

pub(crate) mod accounts;
mod accounts_page;
mod address;
mod address_page;
pub(crate) mod allow;
pub(crate) mod callback;
pub(crate) mod client_page;
pub(crate) mod connect;
pub(crate) mod consents;
mod departure;
mod forms;
mod identify;
pub(crate) mod open_consents;
pub(crate) mod page;
pub(crate) mod routes;

#[cfg(feature = "testing")]
pub(crate) use self::address::FIELD_PREFIX;
pub(crate) use self::{
    consents::{Consents, ConsentsConfig, Link},
    open_consents::{ConsentOwner, Progress},
};
