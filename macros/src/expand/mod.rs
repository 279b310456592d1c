//! What each macro expands to.

mod account_argument;
mod argument;
pub(crate) mod catalogue;
mod constants;
mod dialect;
mod lifetimes;
mod marker;
pub(crate) mod path;
pub(crate) mod prove_scopes;
pub(crate) mod provider;
mod request;
pub(crate) mod requires;
mod scope_enum;
mod state;
pub(crate) mod tool;
pub(crate) mod tools;
pub(crate) mod widget;
