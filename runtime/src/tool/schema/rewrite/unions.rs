//! Unions: `oneOf`, `anyOf` and `allOf`, as one `anyOf` of whole alternatives.

use serde_json::{Map, Value};

use super::constants::collapse;
use crate::tool::schema::{
    annotations::is_annotation,
    merge::{merge, one_union},
};

/// The keywords that say what an object contains.
const OF_OBJECTS: [&str; 5] = [
    "additionalProperties",
    "patternProperties",
    "properties",
    "required",
    "unevaluatedProperties",
];

/// Merges the parts of `allOf`, and `oneOf`, into the schema itself, as far as that is possible.
pub(super) fn merge_parts(schema: &mut Map<String, Value>) {
    if one_union(schema).is_err() {
        return;
    }
    let Some(Value::Array(parts)) = schema.remove("allOf") else { return };
    let mut rest = Vec::new();
    for part in parts {
        let merged = match &part {
            Value::Object(part) if !part.contains_key("$ref") => {
                let mut part = part.clone();
                merge_parts(&mut part);
                // The whole describes the value better than its parts.
                merge(part, schema.clone()).ok()
            }
            Value::Bool(true) => continue,
            _ => None,
        };
        match merged {
            Some(merged) => *schema = merged,
            None => rest.push(part),
        }
    }
    if !rest.is_empty() {
        schema.insert("allOf".into(), rest.into());
    }
}

/// Writes what all alternatives of an object have in common into each of them: next to `anyOf`, APIs
/// take no other keywords.
pub(super) fn distribute(schema: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = schema.get("anyOf") else { return };
    let mut common = Map::new();
    for keyword in OF_OBJECTS {
        common.extend(schema.get(keyword).map(|value| (keyword.to_owned(), value.clone())));
    }
    if common.is_empty() {
        return;
    }
    common.insert("type".into(), "object".into());
    let whole = |alternative: &Value| match alternative {
        Value::Object(alternative) if !alternative.contains_key("$ref") => {
            merge(common.clone(), alternative.clone()).ok().map(Value::Object)
        }
        Value::Bool(true) => Some(Value::Object(common.clone())),
        _ => None,
    };
    let Some(alternatives) = alternatives.iter().map(whole).collect::<Option<Vec<_>>>() else {
        return;
    };
    schema.retain(|keyword, _| !OF_OBJECTS.contains(&keyword.as_str()));
    schema.insert("type".into(), "object".into());
    schema.insert("anyOf".into(), alternatives.into());
}

/// Removes unions in unions, and those of one alternative.
pub(super) fn simplify(schema: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = schema.remove("anyOf") else { return };
    let mut flat = Vec::new();
    for alternative in alternatives {
        match alternative {
            Value::Object(inner) if inner.len() == 1 && inner.contains_key("anyOf") => {
                flat.extend(inner["anyOf"].as_array().into_iter().flatten().cloned());
            }
            other if flat.contains(&other) => {}
            other => flat.push(other),
        }
    }
    let mut flat = collapse(flat);
    if let [Value::Object(only)] = flat.as_mut_slice()
        && !only.contains_key("$ref")
        && let Ok(merged) = merge(only.clone(), schema.clone())
    {
        *schema = merged;
        return;
    }
    // `{}` among the alternatives makes the others mere descriptions.
    if flat.iter().any(|alternative| alternative.as_object().is_some_and(Map::is_empty))
        && schema.keys().all(|keyword| is_annotation(keyword))
    {
        return;
    }
    schema.insert("anyOf".into(), flat.into());
}
