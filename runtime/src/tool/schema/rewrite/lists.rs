//! Lists: tuples as lists of a fixed length.

use serde_json::{Map, Value, json};

use crate::tool::schema::annotations::note;

/// Writes a tuple as a list of what its items may be: drafts 7 and 2020-12 have different keywords
/// for tuples, and APIs have none.
pub(super) fn rewrite(schema: &mut Map<String, Value>) {
    // A set takes duplicates, and keeps one of them.
    schema.remove("uniqueItems");
    let tuple = match (schema.remove("prefixItems"), schema.get("items")) {
        (Some(Value::Array(items)), _) => Some(items),
        (None, Some(Value::Array(items))) => {
            let items = items.clone();
            schema.remove("items");
            Some(items)
        }
        _ => None,
    };
    if let Some(tuple) = tuple {
        let rest = schema.remove("items").or_else(|| schema.remove("additionalItems"));
        if rest == Some(Value::Bool(false)) {
            schema.entry("maxItems").or_insert(tuple.len().into());
        }
        let is_open = schema.get("maxItems").is_none_or(|max| *max != json!(tuple.len()));
        let mut kinds: Vec<Value> = Vec::new();
        for item in tuple.iter().cloned().chain(rest.filter(|rest| is_open && rest.is_object())) {
            if !kinds.contains(&item) {
                kinds.push(item);
            }
        }
        let items = if kinds.len() == 1 {
            kinds.remove(0)
        } else {
            let names: Vec<_> = tuple.iter().map(name).collect();
            note(schema, &format!("The items in order: {}.", names.join(", ")));
            json!({ "anyOf": kinds })
        };
        schema.insert("items".into(), items);
    }
    if schema.get("type").is_some_and(|kind| kind == "array") {
        // Some APIs refuse a list without it.
        schema.entry("items").or_insert_with(|| json!({}));
    }
}

/// What a note calls the values of a schema.
fn name(schema: &Value) -> String {
    let names = |of: &[Value]| of.iter().map(name).collect::<Vec<_>>().join(" or ");
    match schema {
        Value::Object(schema) => {
            match (schema.get("title"), schema.get("type"), schema.get("anyOf")) {
                (Some(Value::String(title)), ..) => title.clone(),
                (_, Some(Value::String(kind)), _) => kind.clone(),
                (_, Some(Value::Array(kinds)), _) => {
                    kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
                }
                (_, _, Some(Value::Array(of))) => names(of),
                _ => "any value".to_owned(),
            }
        }
        _ => "any value".to_owned(),
    }
}
