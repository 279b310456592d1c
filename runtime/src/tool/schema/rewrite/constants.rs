//! Constants: `const` and `enum`, with their type.

use serde_json::{Map, Value};

use crate::tool::schema::annotations::{NOTES, note};

/// Writes `const` as `enum`, and adds the type if it is missing.
pub(super) fn name_type(schema: &mut Map<String, Value>) {
    if let Some(constant) = schema.remove("const") {
        schema.insert("enum".into(), vec![constant].into());
    }
    if schema.contains_key("type") || schema.contains_key("$ref") {
        return;
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        let mut kinds: Vec<Value> = Vec::new();
        for kind in values.iter().map(|value| Value::from(kind(value))) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        match kinds.len() {
            0 => {}
            1 => drop(schema.insert("type".into(), kinds.remove(0))),
            _ => drop(schema.insert("type".into(), kinds.into())),
        }
    } else if schema.contains_key("properties") {
        schema.insert("type".into(), "object".into());
    } else if schema.contains_key("items") || schema.contains_key("prefixItems") {
        schema.insert("type".into(), "array".into());
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Puts alternatives that are constants of one type into a single one. The description of each
/// becomes a line of the whole's.
pub(super) fn collapse(alternatives: Vec<Value>) -> Vec<Value> {
    let kinds: Vec<_> = alternatives.iter().map(kind_of_constants).collect();
    let is_single =
        |kind: &Value| kinds.iter().filter(|other| other.as_ref() == Some(kind)).count() < 2;
    let mut collapsed: Vec<Value> = Vec::new();
    for (alternative, kind) in alternatives.into_iter().zip(kinds.clone()) {
        let (Value::Object(constants), Some(kind)) = (&alternative, kind) else {
            collapsed.push(alternative);
            continue;
        };
        if is_single(&kind) {
            collapsed.push(alternative);
            continue;
        }
        let same = |other: &&mut Value| kind_of_constants(other).is_some_and(|other| other == kind);
        if let Some(Value::Object(earlier)) = collapsed.iter_mut().find(same) {
            add(earlier, constants.clone());
        } else {
            let mut all = Map::from_iter([
                ("type".to_owned(), kind.clone()),
                ("enum".to_owned(), Vec::<Value>::new().into()),
            ]);
            add(&mut all, constants.clone());
            collapsed.push(Value::Object(all));
        }
    }
    collapsed
}

/// The type of a schema that has nothing but constants, and perhaps a description.
fn kind_of_constants(schema: &Value) -> Option<Value> {
    let schema = schema.as_object()?;
    let only =
        |key: &String| matches!(key.as_str(), "type" | "enum" | "description" | "title" | NOTES);
    (schema.contains_key("enum") && schema.keys().all(only))
        .then(|| schema.get("type").filter(|kind| kind.is_string()).cloned())?
}

fn add(all: &mut Map<String, Value>, mut alternative: Map<String, Value>) {
    let Some(Value::Array(values)) = alternative.remove("enum") else { return };
    if let Some(description) = alternative.get("description").and_then(Value::as_str) {
        let names: Vec<_> = values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .map(|name| format!("`{name}`"))
            .collect();
        // A list is one item for a model only if it is one line.
        let description: Vec<_> = description.split_whitespace().collect();
        note(all, &format!("- {}: {}", names.join(", "), description.join(" ")));
    }
    if let Some(Value::String(notes)) = alternative.remove(NOTES) {
        note(all, &notes);
    }
    if let Some(Value::Array(known)) = all.get_mut("enum") {
        for value in values {
            if !known.contains(&value) {
                known.push(value);
            }
        }
    }
}
