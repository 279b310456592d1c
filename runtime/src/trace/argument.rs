//! Refused arguments: where the argument is and what was expected there, without what was sent.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::text::serialize_list;
use crate::error::{Rule, Segment, Violation};

/// The longest path, in segments.
const MAX_SEGMENTS: usize = 32;

/// The keywords of a schema by which a value is refused.
const KEYWORDS: [&str; 11] = [
    "type",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "required",
];

/// The place of an argument: `labels[2].name`.
///
/// Keys are shown as far as the schema of the tool declares them; any other key is the caller's, and
/// is shown as `*`.
#[derive(Clone, Copy)]
pub struct ArgumentPath<'a> {
    violation: &'a Violation,
    schema: &'a Map<String, Value>,
}

/// What the schema of the tool says about the value at a place: its type, its bounds, its pattern.
#[derive(Clone, Copy)]
pub struct Expected<'a>(&'a Map<String, Value>);

impl<'a> ArgumentPath<'a> {
    pub(crate) fn new(violation: &'a Violation, schema: &'a Map<String, Value>) -> Self {
        Self { violation, schema }
    }

    /// What the schema expects there, if it says so in one place.
    pub(crate) fn expected(&self) -> Option<Expected<'a>> {
        if self.violation.rule == Rule::Unknown {
            return None;
        }
        let mut at = self.schema;
        for segment in &self.violation.path {
            let next = match segment {
                Segment::Key(key) => at.get("properties")?.get(key)?,
                Segment::Index(_) => at.get("items")?,
            };
            at = next.as_object()?;
        }
        Some(Expected(at))
    }
}

impl fmt::Display for ArgumentPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.violation.path.iter().take(MAX_SEGMENTS).enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    f.write_str(if declares(self.schema, key) { key } else { "*" })?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a schema, or a part of it, has a property of this name.
fn declares(schema: &Map<String, Value>, key: &str) -> bool {
    fn any(value: &Value, key: &str) -> bool {
        match value {
            Value::Object(members) => declares(members, key),
            Value::Array(items) => items.iter().any(|item| any(item, key)),
            _ => false,
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|properties| properties.contains_key(key))
        || schema.values().any(|value| any(value, key))
}

impl fmt::Debug for ArgumentPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for ArgumentPath<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Serialize for Expected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Listed<'v>(&'v [Value]);
        impl Serialize for Listed<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_list(serializer, self.0.iter())
            }
        }
        let mut map = serializer.serialize_map(None)?;
        for keyword in KEYWORDS {
            match self.0.get(keyword) {
                Some(Value::Array(items)) => map.serialize_entry(keyword, &Listed(items))?,
                Some(value) => map.serialize_entry(keyword, value)?,
                None => {}
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_has_declared_keys_alone() {
        let schema = json!({ "type": "object", "properties": {
            "labels": { "type": "array", "maxItems": 3, "items": {
                "type": "object",
                "properties": { "name": { "type": "string", "minLength": 1, "description": "n" } },
            } },
            "headers": { "type": "object", "additionalProperties": { "type": "string" } },
        } });
        let schema = schema.as_object().unwrap();
        let key = |key: &str| Segment::Key(key.to_owned());
        for (path, shown, expected) in [
            (
                vec![key("labels"), Segment::Index(2), key("name")],
                "labels[2].name",
                Some(json!({ "type": "string", "minLength": 1 })),
            ),
            (vec![key("headers"), key("sk-secret")], "headers.*", None),
            (vec![key("sk-secret")], "*", None),
            (vec![key("labels")], "labels", Some(json!({ "type": "array", "maxItems": 3 }))),
            (vec![], "", Some(json!({ "type": "object" }))),
        ] {
            let violation = Violation { path, rule: Rule::Type };
            let path = ArgumentPath::new(&violation, schema);
            assert_eq!(path.to_string(), shown);
            assert_eq!(path.expected().map(|it| serde_json::to_value(it).unwrap()), expected);
        }
    }
}
