//! Schema of a type as schemars writes it.

use schemars::{
    Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::{definitions, side::Side};

/// The schema of a type, and the definitions that it refers to.
#[derive(Debug)]
pub(crate) struct TypeSchema {
    pub(crate) root: Map<String, Value>,
    pub(crate) definitions: Map<String, Value>,
}

impl TypeSchema {
    /// Generates it. Each type has a generator of its own: schemars takes two types of one name for
    /// the same type where they are declared in one module, as in two functions.
    pub(crate) fn new(schema: fn(&mut SchemaGenerator) -> Schema, side: Side) -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        if side == Side::Output {
            settings.contract = Contract::Serialize;
        }
        let mut generator = settings.into_generator();
        let root = object(schema(&mut generator));
        Self { root, definitions: generator.take_definitions(true) }
    }

    /// The schema itself, in the place of a reference to a definition.
    pub(crate) fn resolved(&self) -> &Map<String, Value> {
        let mut schema = &self.root;
        // A definition may be a reference itself, for an alias of a type.
        for _ in 0..8 {
            match definitions::resolve(schema, &self.definitions) {
                Some(Value::Object(definition)) if schema.len() == 1 => schema = definition,
                _ => break,
            }
        }
        schema
    }
}

pub(crate) fn object(schema: Schema) -> Map<String, Value> {
    match schema.to_value() {
        Value::Object(object) => object,
        // `true` and `false` are schemas too, but only an object can hold a description.
        Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
        _ => Map::new(),
    }
}
