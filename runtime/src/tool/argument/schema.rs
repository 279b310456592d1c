//! Input schemas: the properties of a tool's [`Arg`]s (JSON Schema 2020-12).

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    arg::Arg,
    type_schema::{inline, object},
};
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
