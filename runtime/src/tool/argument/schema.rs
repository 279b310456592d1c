//! Input schemas: the properties of a tool's [`Arg`]s (JSON Schema 2020-12).

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Arg;
use crate::error::ConfigError;

/// Collects the properties of an arguments object.
pub struct ArgumentsSchema {
    generator: SchemaGenerator,
    properties: Map<String, Value>,
    required: Vec<Value>,
    faults: Vec<ConfigError>,
}

impl Default for ArgumentsSchema {
    fn default() -> Self {
        Self {
            generator: SchemaSettings::draft2020_12().into_generator(),
            properties: Map::new(),
            required: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl ArgumentsSchema {
    pub(crate) fn add<T>(&mut self, arg: &Arg<T>) {
        for check in arg.rules() {
            self.faults.extend(check.verify().err());
        }
        if arg.flatten {
            return self.add_all_of(arg);
        }
        let mut schema = object((arg.schema)(&mut self.generator));
        if !arg.description.is_empty() {
            schema.insert("description".into(), arg.description.into());
        }
        if let Some((default, to_json)) = arg.default.zip(arg.default_json) {
            schema.extend(to_json(default()).map(|value| ("default".to_owned(), value)));
        }
        for check in arg.rules() {
            check.describe(&mut schema);
        }
        self.add_examples(arg.name, arg.examples, &mut schema);
        if arg.default.is_none() && (arg.absent)().is_none() {
            self.required.push(arg.name.into());
        }
        self.properties.insert(arg.name.to_owned(), Value::Object(schema));
    }

    fn add_all_of<T>(&mut self, arg: &Arg<T>) {
        let mut flat = inline(arg.schema);
        let Some(Value::Object(properties)) = flat.remove("properties") else {
            self.faults.push(ConfigError::new(format!(
                "`{}` is marked `#[arg(flatten)]`, and its type is no struct with named fields",
                arg.name
            )));
            return;
        };
        for (name, schema) in properties {
            if self.properties.insert(name.clone(), schema).is_some() {
                self.faults.push(ConfigError::new(format!("two arguments are named `{name}`")));
            }
        }
        if let Some(Value::Array(required)) = flat.remove("required") {
            self.required.extend(required);
        }
        if let Some(Value::Object(definitions)) = flat.remove("$defs") {
            self.generator.definitions_mut().extend(definitions);
        }
    }

    fn add_examples(&mut self, name: &str, examples: &[&str], schema: &mut Map<String, Value>) {
        let values: Result<Vec<Value>, _> =
            examples.iter().map(|text| serde_json::from_str(text)).collect();
        match values {
            Ok(values) if values.is_empty() => {}
            Ok(values) => drop(schema.insert("examples".into(), values.into())),
            Err(error) => self
                .faults
                .push(ConfigError::new(format!("an example of `{name}` is not JSON: {error}"))),
        }
    }

    /// Returns the schema, or every fault in it.
    pub(crate) fn finish(mut self) -> Result<Map<String, Value>, ConfigError> {
        ConfigError::join(self.faults)?;
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), self.properties.into());
        if !self.required.is_empty() {
            schema.insert("required".into(), self.required.into());
        }
        schema.insert("additionalProperties".into(), json!(false));
        let definitions = self.generator.take_definitions(true);
        if !definitions.is_empty() {
            schema.insert("$defs".into(), definitions.into());
        }
        Ok(schema)
    }
}

/// The names of the fields of a type.
pub(crate) fn property_names(schema: fn(&mut SchemaGenerator) -> Schema) -> Vec<String> {
    let properties = inline(schema).remove("properties");
    let names = properties.as_ref().and_then(Value::as_object).map(Map::keys);
    names.into_iter().flatten().cloned().collect()
}

/// The schema of a type with its root inlined, and `$defs` for its references.
fn inline(schema: fn(&mut SchemaGenerator) -> Schema) -> Map<String, Value> {
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

fn object(schema: Schema) -> Map<String, Value> {
    match schema.to_value() {
        Value::Object(object) => object,
        // `true` and `false` are schemas too, but only an object can hold a description.
        Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
        _ => Map::new(),
    }
}
