//! What attributes and functions declare, typed and checked.

pub(crate) mod argument;
pub(crate) mod catalogue;
mod claim;
pub(crate) mod encoding;
pub(crate) mod function;
mod known;
pub(crate) mod parameter;
pub(crate) mod provider;
pub(crate) mod rule;
pub(crate) mod scopes;
pub(crate) mod token_exchange;
pub(crate) mod tool;
pub(crate) mod types;
pub(crate) mod view;
