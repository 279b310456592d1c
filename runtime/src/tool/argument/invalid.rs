//! Errors of invalid arguments, without their values.

use std::fmt::Display;

use crate::{
    error::{Error, ErrorKind, Rule, Segment},
    support::escape::escape_to,
};

/// The longest path that is repeated: the keys of a map are the caller's.
const MAX_PATH_LEN: usize = 256;
/// The longest path that an error keeps, in segments.
const MAX_SEGMENTS: usize = 32;
/// The longest rule. Those of a type's own decoder may repeat what they found.
const MAX_RULE_LEN: usize = 1024;

/// The error about the argument `name`, or about all of them, which break this rule.
pub(super) fn invalid(message: impl Display, name: Option<&str>, rule: Rule) -> Error {
    let path = name.map(|name| Segment::Key(name.to_owned()));
    refused(message).violating(path.into_iter().collect(), rule)
}

fn refused(message: impl Display) -> Error {
    Error::with_kind(
        ErrorKind::InvalidArgument,
        format!("{message}; correct the arguments and call again"),
    )
}

/// The error about a value that breaks a declared rule.
#[cold]
pub(super) fn broken(name: &str, why: &str, rule: Rule) -> Error {
    invalid(format_args!("`{name}`: {why}"), Some(name), rule)
}

/// Names the field by its path and the value by its kind. The value itself may be a secret.
pub(super) fn undecodable(
    name: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> Error {
    let path = match (name, error.path().to_string().as_str()) {
        // A flattened struct as a whole, which has no name that the caller knows.
        ("", ".") => String::new(),
        ("", path) => path.to_owned(),
        (name, ".") => name.to_owned(),
        (name, path) if path.starts_with('[') => format!("{name}{path}"),
        (name, path) => format!("{name}.{path}"),
    };
    let place = place(name, error.path());
    let mut rule = error.inner().to_string();
    if let Some(position) = rule.find(" at line ") {
        rule.truncate(position);
    }
    let kind = kind_of(&rule);
    let rule = without_values(&rule);
    let rule = escape_to(&rule, MAX_RULE_LEN);
    if path.is_empty() {
        return refused(rule).violating(place, kind);
    }
    let message = format_args!("`{}`: {rule}", escape_to(&path, MAX_PATH_LEN));
    refused(message).violating(place, kind)
}

/// The way to a value, from the argument on.
fn place(name: &str, path: &serde_path_to_error::Path) -> Vec<Segment> {
    use serde_path_to_error::Segment as Step;
    let first = (!name.is_empty()).then(|| Segment::Key(name.to_owned()));
    let steps = path.iter().map(|step| match step {
        Step::Seq { index } => Segment::Index(*index),
        Step::Map { key } => Segment::Key(key.clone()),
        Step::Enum { variant } => Segment::Key(variant.clone()),
        Step::Unknown => Segment::Key("?".to_owned()),
    });
    first.into_iter().chain(steps).take(MAX_SEGMENTS).collect()
}

/// The rule of serde that an error is about.
fn kind_of(rule: &str) -> Rule {
    const RULES: [(&str, Rule); 7] = [
        ("missing field", Rule::Missing),
        ("unknown field", Rule::Unknown),
        ("duplicate field", Rule::Duplicate),
        ("unknown variant", Rule::OneOf),
        ("invalid length", Rule::Length),
        ("invalid type", Rule::Type),
        ("invalid value", Rule::Type),
    ];
    let known = RULES.iter().find(|(start, _)| rule.starts_with(start));
    known.map_or(Rule::Other, |(_, rule)| *rule)
}

/// Replaces the value that serde quotes by its kind, because an argument may be a secret.
fn without_values(rule: &str) -> String {
    for start in ["invalid type: ", "invalid value: "] {
        if let Some(rest) = rule.strip_prefix(start) {
            let expected = rest.rfind(", expected ").map_or("another", |at| &rest[at + 11..]);
            let kind = rest.split([' ', ',']).next().unwrap_or("value");
            return format!("must be {expected}, it is {}", article(kind));
        }
    }
    if let Some(rest) = rule.strip_prefix("unknown variant ") {
        let expected = rest.rfind(", expected ").map_or("another", |at| &rest[at + 11..]);
        return format!("must be {expected}");
    }
    rule.to_owned()
}

fn article(kind: &str) -> String {
    let kind = match kind {
        "map" => "object",
        "sequence" => "array",
        "floating" => "number with a fraction",
        "unit" => "null",
        kind => kind,
    };
    match kind {
        "null" => kind.to_owned(),
        kind if kind.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}
