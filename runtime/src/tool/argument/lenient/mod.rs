//! Lenient reading of arguments: the forms in which hosts send values of other types.
//!
//! Only an argument that does not decode is read so. Its schema says which types are expected, also
//! where serde does not ask for one, as in untagged enums and flattened structs. The text is
//! changed to what decodes, and decoded again by the same function:
//!
//! - text that holds JSON, where no text is expected;
//! - a number with a zero fraction, or an exponent, where an integer is expected;
//! - `null` for a member that can be left out.

mod budget;
mod fits;
mod json;
mod number;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use self::{
    budget::Budget,
    json::{Kind, Members, kind, object_text, text_content},
};
use crate::tool::schema::{TypeSchema, definitions::resolve};

/// How deep a value is read. Neither serde nor a Rust type in use goes deeper.
const MAX_DEPTH: usize = 64;
/// How often text in text is opened.
const MAX_TEXTS: usize = 3;

/// Returns `raw` changed to what the schema expects, as far as that can be done; `None` if there is
/// nothing to change.
pub(super) fn coerce(raw: &str, schema: &TypeSchema) -> Option<String> {
    let mut reader = Reader::new(raw, schema);
    reader.object(raw, &schema.root, Depth::default())
}

/// Whether `raw` is null, or a text that holds it, and the schema expects neither.
pub(super) fn is_unwanted_null(raw: &str, schema: &TypeSchema) -> bool {
    Reader::new(raw, schema).is_unwanted_null(raw, &schema.root, Depth::default())
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
    budget: Budget,
}

/// How many values, and how many texts, are around a value.
#[derive(Clone, Copy, Default)]
struct Depth {
    values: usize,
    texts: usize,
}

impl Depth {
    fn inside(self) -> Self {
        Self { values: self.values + 1, ..self }
    }
}

impl<'a> Reader<'a> {
    fn new(raw: &str, schema: &'a TypeSchema) -> Self {
        Self { definitions: &schema.definitions, budget: Budget::new(raw) }
    }

    fn value(&mut self, raw: &str, schema: &Value, depth: Depth) -> Option<String> {
        self.object(raw, schema.as_object()?, depth)
    }

    fn object(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> Option<String> {
        if schema.is_empty() || depth.values > MAX_DEPTH || !self.budget.spend(raw) {
            return None;
        }
        let mut read = Current { raw, changed: None };
        read.change(self.of_type(raw, schema, depth));
        match kind(read.text()) {
            Kind::Object => read.change(self.members(read.text(), schema, depth)),
            Kind::List => read.change(self.items(read.text(), schema, depth)),
            _ => {}
        }
        if let Some(definition) = resolve(schema, self.definitions) {
            read.change(self.value(read.text(), definition, depth.inside()));
        }
        for part in list(schema, "allOf") {
            read.change(self.value(read.text(), part, depth.inside()));
        }
        for union in ["anyOf", "oneOf"] {
            read.change(self.alternative(read.text(), list(schema, union), depth));
        }
        read.changed
    }

    /// Reads a number as an integer, and text as what it holds, if the schema names such a type.
    fn of_type(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> Option<String> {
        let expects = |wanted: &str| has_type(schema, wanted);
        if !names_types(schema) || fits::kind_fits(raw, schema) {
            return None;
        }
        match kind(raw) {
            Kind::Number if expects("integer") => number::integer(raw),
            Kind::Text if !expects("string") && depth.texts < MAX_TEXTS => {
                let content = text_content(raw)?;
                let inside = Depth { texts: depth.texts + 1, ..depth.inside() };
                let read = self.object(&content, &only_type(schema), inside).unwrap_or(content);
                fits::kind_fits(&read, schema).then_some(read)
            }
            _ => None,
        }
    }

    fn members(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> Option<String> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = others(schema);
        if properties.is_none() && others.is_none() {
            return None;
        }
        let Members(members) = serde_json::from_str(raw).ok()?;
        let mut changed = false;
        let mut read = Vec::with_capacity(members.len());
        for (name, value) in members {
            let property = properties.and_then(|properties| properties.get(&*name));
            let Some(expected) = property.or(others) else {
                read.push((name, value.get().into()));
                continue;
            };
            if property.is_some()
                && !list(schema, "required").any(|required| *required == *name)
                && let Value::Object(expected) = expected
                && self.is_unwanted_null(value.get(), expected, depth.inside())
            {
                changed = true;
                continue;
            }
            match self.value(value.get(), expected, depth.inside()) {
                Some(value) => {
                    changed = true;
                    read.push((name, value.into()));
                }
                None => read.push((name, value.get().into())),
            }
        }
        changed.then(|| object_text(&read))
    }

    fn items(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> Option<String> {
        if !schema.contains_key("items") && !schema.contains_key("prefixItems") {
            return None;
        }
        let items = json::items(raw)?;
        let mut changed = false;
        let mut text = String::from("[");
        for (at, item) in items.into_iter().enumerate() {
            let expected = list(schema, "prefixItems").nth(at).or_else(|| schema.get("items"));
            let read =
                expected.and_then(|expected| self.value(item.get(), expected, depth.inside()));
            if at > 0 {
                text.push(',');
            }
            changed |= read.is_some();
            text.push_str(read.as_deref().unwrap_or(item.get()));
        }
        text.push(']');
        changed.then_some(text)
    }

    /// Reads a value as the first alternative that it fits then, unless it fits one already.
    fn alternative<'s>(
        &mut self,
        raw: &str,
        alternatives: impl Iterator<Item = &'s Value> + Clone,
        depth: Depth,
    ) -> Option<String> {
        if alternatives.clone().any(|alternative| self.fits(raw, alternative, depth)) {
            return None;
        }
        let mut best = None;
        let mut candidates = 0;
        for alternative in alternatives {
            let read = self.value(raw, alternative, depth.inside());
            let text = read.as_deref().unwrap_or(raw);
            if read.is_some() && self.fits(text, alternative, depth) {
                return read;
            }
            if self.is_meant(text, alternative, depth) {
                candidates += 1;
                best = read;
            }
        }
        // What is wrong in the one that is meant is reported after everything else was read.
        if candidates == 1 { best } else { None }
    }

    fn is_unwanted_null(&mut self, raw: &str, schema: &Map<String, Value>, depth: Depth) -> bool {
        let is_null = raw == "null"
            || kind(raw) == Kind::Text && text_content(raw).is_some_and(|text| text == "null");
        is_null && !self.fits_object(raw, schema, depth) && !self.fits_object("null", schema, depth)
    }
}

/// A text, and what it was changed to.
struct Current<'a> {
    raw: &'a str,
    changed: Option<String>,
}

impl Current<'_> {
    fn text(&self) -> &str {
        self.changed.as_deref().unwrap_or(self.raw)
    }

    fn change(&mut self, changed: Option<String>) {
        if changed.is_some() {
            self.changed = changed;
        }
    }
}

/// The elements of a keyword's list, or none.
fn list<'s>(schema: &'s Map<String, Value>, keyword: &str) -> std::slice::Iter<'s, Value> {
    schema.get(keyword).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter()
}

/// Whether the schema has `type`, or constants, which have types.
fn names_types(schema: &Map<String, Value>) -> bool {
    ["type", "enum", "const"].iter().any(|keyword| schema.contains_key(*keyword))
}

/// Whether values of the type can fit the schema.
fn has_type(schema: &Map<String, Value>, wanted: &str) -> bool {
    let constants = || list(schema, "enum").chain(schema.get("const"));
    match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => constants().any(|constant| match constant {
            Value::String(_) => wanted == "string",
            Value::Number(_) => wanted == "integer" || wanted == "number",
            Value::Bool(_) => wanted == "boolean",
            Value::Null => wanted == "null",
            Value::Array(_) => wanted == "array",
            Value::Object(_) => wanted == "object",
        }),
    }
}

/// The keywords about the type of the value itself.
fn only_type(schema: &Map<String, Value>) -> Map<String, Value> {
    let keywords = ["type", "enum", "const"];
    keywords
        .into_iter()
        .filter_map(|keyword| Some((keyword.to_owned(), schema.get(keyword)?.clone())))
        .collect()
}

/// The schema of the members that have no name in the schema.
fn others(schema: &Map<String, Value>) -> Option<&Value> {
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    patterns
        .and_then(|patterns| patterns.values().next().filter(|_| patterns.len() == 1))
        .or_else(|| schema.get("additionalProperties"))
        .filter(|others| others.is_object())
}
