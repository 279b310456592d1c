//! Schemas for hosts: the JSON Schemas of Rust types, in the part of the language that hosts and the
//! APIs of models understand.
//!
//! schemars uses all of JSON Schema 2020-12. Hosts hand the schemas on, and a single keyword that
//! an API does not know makes some of them drop every tool of a server. [`for_hosts`] is applied to
//! each generated schema once, before it is listed. A schema that it has written accepts all values
//! that the type does, with one exception: `null` for what can be left out.

mod annotations;
pub(crate) mod definitions;
mod inline;
mod merge;
pub(crate) mod numbers;
mod rewrite;
mod root;
mod side;
#[cfg(test)]
mod tests;
pub(crate) mod type_schema;
mod walk;

use serde_json::{Map, Value};

pub(crate) use self::{root::name_root, side::Side, type_schema::TypeSchema};

/// Rewrites a root schema with its `$defs`.
pub(crate) fn for_hosts(mut schema: Map<String, Value>, side: Side) -> Map<String, Value> {
    name_root(&mut schema);
    let mut schema = inline::inline(schema);
    rewrite::rewrite_root(&mut schema, side);
    definitions::prune(&mut schema);
    schema
}
