//! Whether a value fits a schema, as serde reads values: no keyword but those that tell apart the
//! variants of an enum.

use serde_json::{Map, Number, Value};

use super::{
    json::{self, Kind, Members, kind},
    keywords::{has_type, list, names_types, others},
    number::is_plain_integer,
    reader::{Depth, MAX_DEPTH, Reader},
};
use crate::tool::schema::{definitions::resolve, numbers::bounds_of_format};

impl Reader<'_> {
    pub(super) fn fits(&mut self, raw: &str, schema: &Value, depth: Depth) -> bool {
        match schema {
            Value::Object(schema) => self.fits_object(raw, schema, depth),
            schema => *schema != Value::Bool(false),
        }
    }

    pub(super) fn fits_object(
        &mut self,
        raw: &str,
        schema: &Map<String, Value>,
        depth: Depth,
    ) -> bool {
        if schema.is_empty() {
            return true;
        }
        if depth.values > MAX_DEPTH || !self.budget.spend(raw) {
            return false;
        }
        if names_types(schema) && !kind_fits(raw, schema) || !is_constant(raw, schema) {
            return false;
        }
        let own = match kind(raw) {
            Kind::Number => is_within(raw, schema),
            Kind::Text => has_length(raw, schema),
            Kind::Object => self.members_fit(raw, schema, depth),
            Kind::List => self.items_fit(raw, schema, depth),
            Kind::Null | Kind::Boolean => true,
        };
        own && resolve(schema, self.definitions)
            .is_none_or(|definition| self.fits(raw, definition, depth.inside()))
            && list(schema, "allOf").all(|part| self.fits(raw, part, depth.inside()))
            && ["anyOf", "oneOf"].into_iter().all(|union| {
                let mut alternatives = list(schema, union);
                alternatives.len() == 0
                    || alternatives.any(|alternative| self.fits(raw, alternative, depth.inside()))
            })
    }

    fn members_fit(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> bool {
        let Ok(Members(members)) = serde_json::from_str(raw) else { return false };
        let has = |name: &Value| members.iter().any(|(member, _)| name == member);
        if !list(schema, "required").all(has) {
            return false;
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let others = others(schema);
        members.iter().all(|(name, value)| {
            match properties.and_then(|properties| properties.get(name)).or(others) {
                Some(expected) => self.fits(value.get(), expected, depth.inside()),
                None => !is_closed,
            }
        })
    }

    fn items_fit(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> bool {
        let Some(items) = json::items(raw) else { return false };
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let length = items.len() as u64;
        if limit("minItems").is_some_and(|min| length < min)
            || limit("maxItems").is_some_and(|max| length > max)
        {
            return false;
        }
        items.iter().enumerate().all(|(at, item)| {
            let expected = list(schema, "prefixItems").nth(at).or_else(|| schema.get("items"));
            expected.is_none_or(|expected| self.fits(item.get(), expected, depth.inside()))
        })
    }

    /// Whether a value that does not fit an alternative is meant to: it has its type, and its tags.
    pub(super) fn is_meant(&mut self, raw: &str, schema: &Value, depth: Depth) -> bool {
        let Value::Object(schema) = schema else { return false };
        if depth.values > MAX_DEPTH || !self.budget.spend(raw) {
            return false;
        }
        if names_types(schema) && !kind_fits(raw, schema) {
            return false;
        }
        if let Some(definition) = resolve(schema, self.definitions) {
            return self.is_meant(raw, definition, depth.inside());
        }
        let Some(Value::Object(properties)) = schema.get("properties") else { return true };
        let Ok(Members(members)) = serde_json::from_str(raw) else { return false };
        properties.iter().filter(|(_, property)| property.get("const").is_some()).all(
            |(name, property)| {
                members.iter().any(|(member, value)| {
                    member == name && is_equal(value.get(), &property["const"])
                })
            },
        )
    }
}

/// Whether the value has a type that the schema names.
pub(super) fn kind_fits(raw: &str, schema: &Map<String, Value>) -> bool {
    let expects = |wanted: &str| has_type(schema, wanted);
    match kind(raw) {
        Kind::Null => expects("null"),
        Kind::Boolean => expects("boolean"),
        Kind::Number => expects("number") || expects("integer") && is_plain_integer(raw),
        Kind::Text => expects("string"),
        Kind::List => expects("array"),
        Kind::Object => expects("object"),
    }
}

fn is_constant(raw: &str, schema: &Map<String, Value>) -> bool {
    schema.get("const").is_none_or(|constant| is_equal(raw, constant))
        && (!schema.contains_key("enum")
            || list(schema, "enum").any(|constant| is_equal(raw, constant)))
}

fn is_equal(raw: &str, constant: &Value) -> bool {
    serde_json::from_str::<Value>(raw).is_ok_and(|value| value == *constant)
}

/// Whether a number is between the bounds of the schema, and those of its format.
fn is_within(raw: &str, schema: &Map<String, Value>) -> bool {
    let format = schema.get("format").and_then(Value::as_str).and_then(bounds_of_format);
    let (low, high) = format.unwrap_or_default();
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_number).cloned();
    let below = |one: &Number, other: &Number| match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_f64() < other.as_f64(),
    };
    let Ok(number) = serde_json::from_str::<Number>(raw) else {
        // An integer of 128 bits.
        return low.is_none() && high.is_none();
    };
    ![low, bound("minimum")].iter().flatten().any(|low| below(&number, low))
        && ![high, bound("maximum")].iter().flatten().any(|high| below(high, &number))
}

fn has_length(raw: &str, schema: &Map<String, Value>) -> bool {
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    let (min, max) = (limit("minLength"), limit("maxLength"));
    if min.is_none() && max.is_none() {
        return true;
    }
    let Ok(text) = serde_json::from_str::<String>(raw) else { return false };
    let length = text.chars().count() as u64;
    min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max)
}
