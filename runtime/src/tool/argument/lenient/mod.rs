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
mod keywords;
mod number;
mod reader;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use self::{
    json::{Kind, Members, kind, object_text, text_content},
    keywords::{has_type, list, names_types, only_type, others},
    reader::{Depth, MAX_DEPTH, MAX_TEXTS, Reader},
};
use crate::tool::schema::{TypeSchema, definitions::resolve};

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

impl Reader<'_> {
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
