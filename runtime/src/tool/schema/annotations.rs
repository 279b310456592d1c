//! Annotations: what a schema says of its values without restricting them.

use serde_json::{Map, Value};

use super::walk;

/// What the rewriting adds to a description, until all of it is done. No keyword has this name.
pub(super) const NOTES: &str = "\0notes";

/// The keywords that describe values and do not restrict them.
const ANNOTATIONS: [&str; 8] =
    ["default", "deprecated", "description", "examples", NOTES, "readOnly", "title", "writeOnly"];

/// Whether the keyword describes values and does not restrict them.
pub(super) fn is_annotation(keyword: &str) -> bool {
    ANNOTATIONS.contains(&keyword)
}

/// Adds a line to the description.
pub(super) fn note(schema: &mut Map<String, Value>, line: &str) {
    match schema.get_mut(NOTES) {
        Some(Value::String(notes)) => {
            notes.push('\n');
            notes.push_str(line);
        }
        _ => drop(schema.insert(NOTES.into(), line.into())),
    }
}

/// Writes the notes into the descriptions.
pub(super) fn describe(schema: &mut Map<String, Value>) {
    if let Some(Value::String(notes)) = schema.remove(NOTES) {
        let text = match schema.get("description").and_then(Value::as_str) {
            Some(description) if !description.is_empty() => format!("{description}\n{notes}"),
            _ => notes,
        };
        schema.insert("description".into(), text.into());
    }
    walk::for_each_mut(schema, &mut |part| {
        if let Value::Object(part) = part {
            describe(part);
        }
    });
}
