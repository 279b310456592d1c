//! Items that the expansions of the macros name. They are not part of the API.

pub use crate::{
    provider::{ClientAuth, Dialect, Provider},
    scope::{Access, Catalogue, DeclaresWrite, Holds, Requires, Scope},
    tool::{
        Call, Dependency, Hints, Tool, ToolEntry, ToolFuture, Tools, Values, View,
        argument::{
            Arg, Argument, OneOf, Pattern,
            check::{at_least, at_most, length, max_length, min_length, range},
        },
        outcome::IntoToolResult,
        view::{Fallible, Shown},
    },
};
pub use toolgate_macros::{__path as path, __prove_scopes as prove_scopes, __tools as tools};
