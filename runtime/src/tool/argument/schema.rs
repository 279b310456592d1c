//! Input schemas: the properties of a tool's [`Arg`]s (JSON Schema 2020-12).

use serde_json::{Map, Value, json};

use super::{account::account_schema, arg::Arg, argument_type::Fields};
use crate::{
    error::ConfigError,
    tool::schema::{Side, TypeSchema, definitions},
};

/// Collects the properties of an arguments object.
#[derive(Default)]
pub struct ArgumentsSchema {
    properties: Map<String, Value>,
    required: Vec<Value>,
    definitions: Map<String, Value>,
    faults: Vec<ConfigError>,
}

impl ArgumentsSchema {
    pub(crate) fn add<T>(&mut self, arg: &Arg<T>) {
        for check in arg.rules() {
            self.faults.extend(check.verify().err());
        }
        if arg.flatten {
            return self.add_all_of(arg);
        }
        let mut schema = self.schema_of(TypeSchema::new(arg.schema, Side::Input));
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

    /// Adds the arguments that name accounts, each with its provider's name.
    pub(crate) fn add_accounts(
        &mut self,
        accounts: impl Iterator<Item = (&'static str, &'static str)>,
    ) {
        for (name, provider) in accounts {
            let schema = Value::Object(account_schema(provider));
            if self.properties.insert(name.to_owned(), schema).is_some() {
                self.faults.push(ConfigError::new(format!(
                    "the argument `{name}` names an account at {provider}, and another one has its name"
                )));
            }
        }
    }

    fn add_all_of<T>(&mut self, arg: &Arg<T>) {
        let flat = TypeSchema::new(arg.schema, Side::Input);
        let Fields { properties, required } = Fields::of(&flat);
        if properties.is_empty() && !flat.resolved().contains_key("properties") {
            self.faults.push(ConfigError::new(format!(
                "`{}` is marked `#[arg(flatten)]`, and its type is no struct with named fields",
                arg.name
            )));
            return;
        }
        let root = Map::from_iter([("properties".to_owned(), properties.into())]);
        let mut flat = self.schema_of(TypeSchema { root, definitions: flat.definitions });
        let Some(Value::Object(properties)) = flat.remove("properties") else { return };
        for (name, schema) in properties {
            if self.properties.insert(name.clone(), schema).is_some() {
                self.faults.push(ConfigError::new(format!("two arguments are named `{name}`")));
            }
        }
        self.required.extend(required);
    }

    /// The schema of one type, with its definitions among those of the others.
    fn schema_of(&mut self, schema: TypeSchema) -> Map<String, Value> {
        let mut root = Value::Object(schema.root);
        definitions::absorb(&mut self.definitions, &mut root, schema.definitions);
        match root {
            Value::Object(root) => root,
            _ => Map::new(),
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

    /// Returns the schema, as schemars writes that of a struct with these fields, or every fault in
    /// it.
    pub(crate) fn finish(self) -> Result<Map<String, Value>, ConfigError> {
        ConfigError::join(self.faults)?;
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), self.properties.into());
        if !self.required.is_empty() {
            schema.insert("required".into(), self.required.into());
        }
        schema.insert("additionalProperties".into(), json!(false));
        if !self.definitions.is_empty() {
            schema.insert("$defs".into(), self.definitions.into());
        }
        Ok(schema)
    }
}
