//! Items that the expansions of the macros name. They are not part of the API.

pub use crate::{
    provider::{ClientAuth, Dialect, NoProvider, Provider},
    scope::{Access, Catalogue, DeclaresWrite, Holds, Requires, Scope},
    tool::{
        Call, Dependency, Hints, Tool, ToolEntry, ToolFuture, Tools, Values, View,
        argument::{
            Arg, Argument, OneOf, Pattern,
            check::{at_least, at_most, length, max_length, min_length, range},
        },
        outcome::IntoToolResult,
        state::StateValue,
        view::{Fallible, Shown, ShownResult},
    },
};
/// What a client's type is taken for if it has no catalogue.
pub mod fallback {
    pub use crate::__no_catalogue as catalogue;

    /// The parameter `AuthedClient<P>`.
    #[derive(Debug)]
    pub enum Client {}

    /// The parameter `Caller<P>`.
    #[derive(Debug)]
    pub enum Caller {}

    /// Implemented for nothing: its words are the error.
    #[diagnostic::on_unimplemented(
        message = "`{P}` carries no scopes",
        label = "not a `#[provider]` or `#[catalogue]`",
        note = "`AuthedClient<P>` is of an enum with `#[provider]`, `Caller<P>` may be of one with `#[catalogue]`; for an alias of it, add `provider = ..` to the attribute"
    )]
    pub trait Of<P> {
        /// Never read.
        const IS: ();
    }
}

pub use crate::__ask as ask;
pub use toolgate_macros::{__path as path, __prove_scopes as prove_scopes, __tools as tools};
