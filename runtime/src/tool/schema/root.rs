//! Roots of schemas: a type that contains itself refers to the root as `#`.

use std::mem;

use serde_json::{Map, Value};

/// Moves a schema that refers to itself as `#` into its definitions, so that it can be nested in
/// another schema.
pub(crate) fn name_root(schema: &mut Map<String, Value>) {
    if !schema.values().any(refers_to_root) {
        return;
    }
    let mut definitions = match schema.remove("$defs") {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    let title = schema.get("title").and_then(Value::as_str).unwrap_or("Result");
    let plain = title.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
    let mut name = plain.clone();
    let mut count = 1;
    while definitions.contains_key(&name) {
        count += 1;
        name = format!("{plain}{count}");
    }
    let dialect = schema.remove_entry("$schema");
    let path = format!("#/$defs/{name}");
    definitions.insert(name, Value::Object(mem::take(schema)));
    for definition in definitions.values_mut() {
        redirect(definition, &path);
    }
    schema.extend(dialect);
    schema.insert("$ref".into(), path.into());
    schema.insert("$defs".into(), definitions.into());
}

fn refers_to_root(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.get("$ref").is_some_and(|path| path == "#")
                || members.values().any(refers_to_root)
        }
        Value::Array(items) => items.iter().any(refers_to_root),
        _ => false,
    }
}

fn redirect(schema: &mut Value, path: &str) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                if key == "$ref" && member == "#" {
                    *member = path.into();
                } else {
                    redirect(member, path);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, path)),
        _ => {}
    }
}
