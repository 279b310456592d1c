//! Rules of arguments, and where one is broken.

/// The rule that an argument breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// It is required.
    Missing,
    /// The tool has no such argument.
    Unknown,
    /// It is given once.
    Duplicate,
    /// Its value has the type of the schema.
    Type,
    /// `range(..)`
    Range,
    /// `length(..)`
    Length,
    /// `pattern = ".."`
    Pattern,
    /// `one_of(..)`
    OneOf,
    /// A rule of the type's own decoder.
    Other,
}

/// Which argument breaks which rule.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// The place, of which the keys may be the caller's.
    pub(crate) path: Vec<Segment>,
    pub(crate) rule: Rule,
}

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}
