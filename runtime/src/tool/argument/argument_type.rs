//! Types of arguments: what a tool keeps of each between its calls.

use std::sync::OnceLock;

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::tool::schema::{Side, TypeSchema, definitions::resolve};

/// How deep unions of a flattened type are nested.
const MAX_DEPTH: usize = 8;

/// The type of an argument.
#[derive(Debug)]
pub struct ArgumentType {
    generate: fn(&mut SchemaGenerator) -> Schema,
    /// The names of its fields, if it is flattened. They are computed once and kept outside of the
    /// arguments, which are a constant.
    pub(super) names: Vec<String>,
    /// Made for the first call that needs it.
    schema: OnceLock<TypeSchema>,
}

impl ArgumentType {
    pub(super) fn new(generate: fn(&mut SchemaGenerator) -> Schema, flatten: bool) -> Self {
        let mut names = Vec::new();
        if flatten {
            let fields = Fields::of(&TypeSchema::new(generate, Side::Input));
            names.extend(fields.properties.into_iter().map(|(name, _)| name));
        }
        Self { generate, names, schema: OnceLock::new() }
    }

    pub(super) fn schema(&self) -> &TypeSchema {
        self.schema.get_or_init(|| TypeSchema::new(self.generate, Side::Input))
    }
}

/// The fields of a struct, also of the enums that are flattened into it.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<Value>,
}

impl Fields {
    pub(super) fn of(schema: &TypeSchema) -> Self {
        Self::of_part(schema.resolved(), &schema.definitions, 0)
    }

    fn of_part(part: &Map<String, Value>, definitions: &Map<String, Value>, depth: usize) -> Self {
        let mut fields = Self::default();
        if depth > MAX_DEPTH {
            return fields;
        }
        let inside = |part: &Value| match part {
            Value::Object(part) => Self::of_part(part, definitions, depth + 1),
            _ => Self::default(),
        };
        let list =
            |keyword: &str| part.get(keyword).and_then(Value::as_array).into_iter().flatten();
        for (name, schema) in
            part.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            fields.add(name, schema);
        }
        fields.required.extend(list("required").cloned());
        for part in resolve(part, definitions).into_iter().chain(list("allOf")) {
            fields.extend(inside(part));
        }
        for union in ["anyOf", "oneOf"] {
            let mut variants = Self::default();
            for (at, variant) in list(union).map(inside).enumerate() {
                if at == 0 {
                    variants.required.clone_from(&variant.required);
                }
                variants.required.retain(|name| variant.required.contains(name));
                variant.properties.iter().for_each(|(name, schema)| variants.add(name, schema));
            }
            fields.extend(variants);
        }
        fields
    }

    fn extend(&mut self, other: Self) {
        other.properties.iter().for_each(|(name, schema)| self.add(name, schema));
        self.required.extend(other.required);
    }

    /// Adds a field. One that another variant has too may be either.
    fn add(&mut self, name: &str, schema: &Value) {
        match self.properties.get_mut(name) {
            None => drop(self.properties.insert(name.to_owned(), schema.clone())),
            Some(known) if known == schema => {}
            Some(Value::Object(known)) if known.len() == 1 && known.contains_key("anyOf") => {
                known["anyOf"].as_array_mut().into_iter().for_each(|all| all.push(schema.clone()));
            }
            Some(known) => {
                *known = serde_json::json!({ "anyOf": [known.take(), schema] });
            }
        }
    }
}
