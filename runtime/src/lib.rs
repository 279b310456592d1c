//! Authenticated tools for AI agents.
//!
//! Annotate a plain async function; the compiler proves that it uses only the OAuth scopes it
//! declares, the runtime that its user granted them, and the body gets a client that carries the
//! token.

// What the macros emit names `::toolgate`, in this crate's own tests too.
extern crate self as toolgate;

pub mod argument;
pub mod client;
pub mod context;
pub mod error;
pub mod outcome;
pub mod provider;
pub mod scope;
pub mod state;
pub mod tool;

mod call;
mod table;



pub use crate::{
    argument::Arg,
    call::{Call, Caller},
    client::{AuthedClient, Unclaimed},
    context::Context,
    error::{ConfigError, Error, ErrorKind, Result},
    outcome::{Image, IntoOutcome, Json, Outcome, ResourceLink},
    provider::{OAuthClient, Provider},
    scope::{Access, Holds, Requires, Scope},
    state::State,
    table::{Entry, Tools},
    tool::{Hints, Need, Tool, Values},
};

/// What a file with tools needs.
pub mod prelude {
    pub use crate::{
        AuthedClient, Caller, Context, Error, Image, Json, Provider, ResourceLink, Result, State,

    };
}
