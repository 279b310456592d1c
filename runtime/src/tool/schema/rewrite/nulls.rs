//! Null: lists of types, and members that can be left out.

use serde_json::{Map, Value, json};

use crate::tool::schema::{annotations::is_annotation, merge::merge, side::Side};

const OF_NUMBERS: [&str; 6] =
    ["exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum", "multipleOf"];
const OF_STRINGS: [&str; 6] =
    ["contentEncoding", "contentMediaType", "format", "maxLength", "minLength", "pattern"];
const OF_LISTS: [&str; 9] = [
    "additionalItems",
    "contains",
    "items",
    "maxContains",
    "maxItems",
    "minContains",
    "minItems",
    "prefixItems",
    "uniqueItems",
];
const OF_OBJECTS: [&str; 8] = [
    "additionalProperties",
    "maxProperties",
    "minProperties",
    "patternProperties",
    "properties",
    "propertyNames",
    "required",
    "unevaluatedProperties",
];

/// Writes a list of types as a union of schemas with one type each. In results, a type or null
/// stays as it is: no API reads them, and every host does.
pub(super) fn split_types(schema: &mut Map<String, Value>, side: Side) {
    let Some(Value::Array(kinds)) = schema.get("type") else { return };
    let kinds = kinds.clone();
    let is_or_null = kinds.len() == 2 && kinds.iter().any(|kind| kind == "null");
    if let [kind] = kinds.as_slice() {
        schema.insert("type".into(), kind.clone());
        return;
    }
    // A union next to the list would be a second one.
    if is_or_null && side == Side::Output || schema.contains_key("anyOf") {
        return;
    }
    schema.remove("type");
    let alternatives: Vec<_> =
        kinds.iter().filter_map(Value::as_str).map(|kind| alternative(schema, kind)).collect();
    schema.retain(|keyword, _| {
        is_annotation(keyword) || keyword == "$defs" || keywords_of(keyword).is_none()
    });
    schema.insert("anyOf".into(), alternatives.into());
}

/// The part of a schema that is about one type.
fn alternative(schema: &Map<String, Value>, kind: &str) -> Value {
    let mut part = Map::from_iter([("type".to_owned(), Value::from(kind))]);
    for (keyword, value) in schema {
        let values = || value.as_array().into_iter().flatten();
        match keywords_of(keyword) {
            Some("enum") => {
                let fitting: Vec<_> =
                    values().filter(|value| is_of_kind(value, kind)).cloned().collect();
                if kind != "null" {
                    part.insert("enum".into(), fitting.into());
                }
            }
            Some(of) if of.split(' ').any(|of| of == kind) => {
                part.insert(keyword.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(part)
}

/// The types, separated by spaces, that a keyword is about.
fn keywords_of(keyword: &str) -> Option<&'static str> {
    match keyword {
        "enum" => Some("enum"),
        "format" => Some("integer number string"),
        keyword if OF_NUMBERS.contains(&keyword) => Some("integer number"),
        keyword if OF_STRINGS.contains(&keyword) => Some("string"),
        keyword if OF_LISTS.contains(&keyword) => Some("array"),
        keyword if OF_OBJECTS.contains(&keyword) => Some("object"),
        _ => None,
    }
}

fn is_of_kind(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => kind == "number" || kind == "integer" && !number.is_f64(),
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

/// Takes null from the members that are not required: they are left out instead. One whose default
/// is a value keeps it, because null means something else there.
pub(super) fn leave_out(schema: &mut Map<String, Value>) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().into_iter().flatten().any(|required| required == name);
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        let Value::Object(property) = property else { continue };
        if !is_required(name) && property.get("default").is_none_or(Value::is_null) {
            without_null(property);
        }
    }
}

fn without_null(schema: &mut Map<String, Value>) {
    let null = json!("null");
    let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") else { return };
    let before = alternatives.len();
    alternatives.retain(|alternative| alternative["type"] != null);
    if alternatives.len() == before {
        return;
    }
    schema.remove("default");
    if let Some(Value::Array(alternatives)) = schema.get("anyOf")
        && let [Value::Object(only)] = alternatives.as_slice()
        && (schema.len() == 1 || !only.contains_key("$ref"))
    {
        let only = only.clone();
        let mut outer = schema.clone();
        outer.remove("anyOf");
        if let Ok(merged) = merge(only, outer) {
            *schema = merged;
        }
    }
}
