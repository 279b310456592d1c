//! Items that the expansions of the macros name. They are not part of the API.

pub use crate::{
    provider::{ClientAuth, Dialect, NoProvider, Provider, profile::Profile},
    scope::{Access, Catalogue, DeclaresWrite, Holds, Requires, Scope},
    tool::{
        Call, Dependencies, Hints, StateValue, Tool, ToolEntry, ToolFuture, Tools, Values, View,
        argument::{
            Arg, Argument, OneOf, Pattern, ShownDefault,
            check::{at_least, at_most, length, max_length, min_length, range},
        },
        view::{Fallible, Shown, ShownResult},
    },
};
/// Asks the catalogue of a type, the macro of its name, to call `prove_scopes` with a request.
///
/// The import renames the macro. Where the type has none, the name is that of the macro in `fallback`,
/// which the outer block imports. The call is in a block of its own: in the block of the import it
/// could itself be what the import looks for.
#[doc(hidden)]
#[macro_export]
macro_rules! __ask {
    (($($catalogue:tt)*) $($request:tt)*) => {
        const _: () = {
            use $crate::__private::fallback::catalogue;
            {
                use $($catalogue)* as catalogue;
                {
                    catalogue! { #![callback = $crate::__private::prove_scopes] $($request)* }
                }
            }
        };
    };
}

/// The catalogue of a type that has none.
#[doc(hidden)]
#[macro_export]
macro_rules! __no_catalogue {
    (#![callback = $callback:path] $($request:tt)*) => { $callback! { "none" $($request)* } };
}

pub use __ask as ask;

/// What a client's type is taken for if it has no catalogue.
pub mod fallback {
    pub use __no_catalogue as catalogue;

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

pub use toolgate_macros::{__path as path, __prove_scopes as prove_scopes, __tools as tools};
