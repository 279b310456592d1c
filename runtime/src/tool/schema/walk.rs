//! Subschemas: the places of a schema where another schema is, and not a value.

use serde_json::{Map, Value};

/// The keywords whose value is a schema, or, as `items` was once, a list of them.
const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS: &[&str] = &["$defs", "dependentSchemas", "patternProperties", "properties"];

/// Visits each subschema, but not those inside of it.
pub(super) fn for_each(schema: &Map<String, Value>, visit: &mut dyn FnMut(&Value)) {
    for (keyword, value) in schema {
        match (kind(keyword), value) {
            (Kind::Map, Value::Object(members)) => members.values().for_each(&mut *visit),
            (Kind::List | Kind::One, Value::Array(items)) => items.iter().for_each(&mut *visit),
            (Kind::One, value) => visit(value),
            _ => {}
        }
    }
}

/// Visits each subschema, but not those inside of it.
pub(super) fn for_each_mut(schema: &mut Map<String, Value>, visit: &mut dyn FnMut(&mut Value)) {
    for (keyword, value) in schema {
        match (kind(keyword), value) {
            (Kind::Map, Value::Object(members)) => members.values_mut().for_each(&mut *visit),
            (Kind::List | Kind::One, Value::Array(items)) => items.iter_mut().for_each(&mut *visit),
            (Kind::One, value) => visit(value),
            _ => {}
        }
    }
}

enum Kind {
    One,
    List,
    Map,
    Other,
}

fn kind(keyword: &str) -> Kind {
    if ONE.contains(&keyword) {
        Kind::One
    } else if LISTS.contains(&keyword) {
        Kind::List
    } else if MAPS.contains(&keyword) {
        Kind::Map
    } else {
        Kind::Other
    }
}
