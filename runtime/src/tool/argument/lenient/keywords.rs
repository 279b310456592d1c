//! Keywords of a schema as lenient reading needs them.

use serde_json::{Map, Value};

/// The elements of a keyword's list, or none.
pub(super) fn list<'s>(
    schema: &'s Map<String, Value>,
    keyword: &str,
) -> std::slice::Iter<'s, Value> {
    schema.get(keyword).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter()
}

/// Whether the schema has `type`, or constants, which have types.
pub(super) fn names_types(schema: &Map<String, Value>) -> bool {
    ["type", "enum", "const"].iter().any(|keyword| schema.contains_key(*keyword))
}

/// Whether values of the type can fit the schema.
pub(super) fn has_type(schema: &Map<String, Value>, wanted: &str) -> bool {
    let constants = || list(schema, "enum").chain(schema.get("const"));
    match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => constants().any(|constant| match constant {
            Value::String(_) => wanted == "string",
            Value::Number(_) => wanted == "integer" || wanted == "number",
            Value::Bool(_) => wanted == "boolean",
            Value::Null => wanted == "null",
            Value::Array(_) => wanted == "array",
            Value::Object(_) => wanted == "object",
        }),
    }
}

/// The keywords about the type of the value itself.
pub(super) fn only_type(schema: &Map<String, Value>) -> Map<String, Value> {
    let keywords = ["type", "enum", "const"];
    keywords
        .into_iter()
        .filter_map(|keyword| Some((keyword.to_owned(), schema.get(keyword)?.clone())))
        .collect()
}

/// The schema of the members that have no name in the schema.
pub(super) fn others(schema: &Map<String, Value>) -> Option<&Value> {
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    patterns
        .and_then(|patterns| patterns.values().next().filter(|_| patterns.len() == 1))
        .or_else(|| schema.get("additionalProperties"))
        .filter(|others| others.is_object())
}
