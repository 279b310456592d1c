//! Errors of invalid arguments, without their values.

use std::fmt::Display;

use crate::{
    error::{Error, ErrorKind},
    support::escape::escape_to,
};

/// The longest path that is repeated: the keys of a map are the caller's.
const MAX_PATH_LEN: usize = 256;
/// The longest rule. Those of a type's own decoder may repeat what they found.
const MAX_RULE_LEN: usize = 1024;

pub(super) fn invalid(message: impl Display) -> Error {
    Error::with_kind(
        ErrorKind::InvalidArgument,
        format!("{message}; correct the arguments and call again"),
    )
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
    let mut rule = error.inner().to_string();
    if let Some(position) = rule.find(" at line ") {
        rule.truncate(position);
    }
    let rule = without_values(&rule);
    let rule = escape_to(&rule, MAX_RULE_LEN);
    if path.is_empty() {
        return invalid(rule);
    }
    invalid(format_args!("`{}`: {rule}", escape_to(&path, MAX_PATH_LEN)))
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
