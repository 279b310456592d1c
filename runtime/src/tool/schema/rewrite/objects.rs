//! Objects: maps, and the members that an object does not name.

use serde_json::{Map, Value, json};

use crate::tool::schema::annotations::note;

/// Writes what the unnamed members may be as `additionalProperties`, the one keyword for them that
/// APIs know.
pub(super) fn rewrite(schema: &mut Map<String, Value>) {
    schema.remove("propertyNames");
    if let Some(rest) = schema.remove("unevaluatedProperties") {
        // With other parts, it would not see their properties.
        if !["allOf", "anyOf", "$ref", "if"].iter().any(|keyword| schema.contains_key(*keyword)) {
            schema.entry("additionalProperties").or_insert(rest);
        }
    }
    let Some(Value::Object(patterns)) = schema.remove("patternProperties") else { return };
    let mut values: Vec<Value> = Vec::new();
    let others = schema.remove("additionalProperties");
    if others == Some(Value::Bool(false)) {
        for pattern in patterns.keys() {
            let line = match pattern.as_str() {
                r"^\d+$" => "The keys are whole numbers, not negative.".to_owned(),
                r"^-?\d+$" => "The keys are whole numbers.".to_owned(),
                pattern => format!("The keys match the pattern `{pattern}`."),
            };
            note(schema, &line);
        }
    }
    let others = others.unwrap_or_else(|| json!({}));
    for value in patterns.into_iter().map(|(_, value)| value).chain([others]) {
        if value != Value::Bool(false) && !values.contains(&value) {
            values.push(value);
        }
    }
    let value = match values.len() {
        0 => json!(false),
        _ if values.contains(&json!({})) => json!({}),
        1 => values.remove(0),
        _ => json!({ "anyOf": values }),
    };
    schema.insert("additionalProperties".into(), value);
}
