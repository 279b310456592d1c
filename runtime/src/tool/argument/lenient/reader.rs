//! Reader of one value: the definitions of its schema, and the work that is left.

use serde_json::{Map, Value};

use super::budget::Budget;
use crate::tool::schema::TypeSchema;

/// How deep a value is read. Neither serde nor a Rust type in use goes deeper.
pub(super) const MAX_DEPTH: usize = 64;
/// How often text in text is opened.
pub(super) const MAX_TEXTS: usize = 3;

pub(super) struct Reader<'a> {
    pub(super) definitions: &'a Map<String, Value>,
    pub(super) budget: Budget,
}

/// How many values, and how many texts, are around a value.
#[derive(Clone, Copy, Default)]
pub(super) struct Depth {
    pub(super) values: usize,
    pub(super) texts: usize,
}

impl Depth {
    pub(super) fn inside(self) -> Self {
        Self { values: self.values + 1, ..self }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(raw: &str, schema: &'a TypeSchema) -> Self {
        Self { definitions: &schema.definitions, budget: Budget::new(raw) }
    }
}
