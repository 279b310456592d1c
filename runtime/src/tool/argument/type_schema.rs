//! Schemas of types: with the root inlined, as an object, and the names of its properties.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The names of the fields of a type.
pub(super) fn property_names(schema: fn(&mut SchemaGenerator) -> Schema) -> Vec<String> {
    let properties = inline(schema).remove("properties");
    let names = properties.as_ref().and_then(Value::as_object).map(Map::keys);
    names.into_iter().flatten().cloned().collect()
}

/// The schema of a type with its root inlined, and `$defs` for its references.
pub(super) fn inline(schema: fn(&mut SchemaGenerator) -> Schema) -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = object(schema(&mut generator));
    let mut definitions = generator.take_definitions(true);
    if let Some(Value::String(reference)) = root.get("$ref")
        && let Some(name) = reference.strip_prefix("#/$defs/")
        && let Some(Value::Object(definition)) = definitions.remove(name)
    {
        root = definition;
    }
    if !definitions.is_empty() {
        root.insert("$defs".into(), definitions.into());
    }
    root
}

pub(super) fn object(schema: Schema) -> Map<String, Value> {
    match schema.to_value() {
        Value::Object(object) => object,
        // `true` and `false` are schemas too, but only an object can hold a description.
        Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
        _ => Map::new(),
    }
}
