//! Inspector: a page for developers of a server, which shows each call, and why it was refused.
//!
//! It lives in the process that decides, so it can say what was found and what was expected. The
//! page is in `inspector/` of the repository; its routes are below `/inspector`, on a listener of
//! this machine alone.

pub(crate) mod act;
mod authorization_server;
pub(crate) mod doctor;
pub(crate) mod event_log;
mod event_ring;
mod event_stream;
pub(crate) mod exchanges;
pub(crate) mod files;
pub(crate) mod guard;
mod hand_over;
pub(crate) mod local_client;
pub(crate) mod masking;
pub(crate) mod oauth_client;
pub(crate) mod overview;
pub(crate) mod page_token;
pub(crate) mod people;
pub(crate) mod previous_tools;
pub(crate) mod routes;
pub(crate) mod run_call;
pub(crate) mod saved_calls;
pub(crate) mod send;
pub(crate) mod sessions;
pub(crate) mod stage;
pub(crate) mod state;
pub(crate) mod token;
pub(crate) mod tokens;
pub(crate) mod tools;

#[cfg(feature = "broker")]
pub(crate) use self::{
    authorization_server::CLIENT_ID, oauth_client::redirect_uri, token::TokenDraft,
};
pub(crate) use self::{
    doctor::Patient,
    event_log::{EventLog, Shown},
    page_token::PageToken,
    stage::Stage,
    state::{Access, Inspector, InspectorConfig},
    token::TokenSigner,
};
