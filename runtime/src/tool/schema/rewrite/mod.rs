//! Rewriting of one schema and of all that it contains.

mod constants;
mod lists;
mod nulls;
mod objects;
mod unions;

use serde_json::{Map, Value, json};

use super::{
    annotations::{describe, note},
    numbers,
    side::Side,
    walk,
};

/// The formats of strings that JSON Schema has defined since draft 7, or that are common (`uuid`).
const FORMATS: [&str; 10] =
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"];

pub(super) fn rewrite_root(schema: &mut Map<String, Value>, side: Side) {
    schema.remove("$schema");
    rewrite_object(schema, side);
    describe(schema);
}

fn rewrite(schema: &mut Value, side: Side) {
    match schema {
        // APIs take only objects for schemas.
        Value::Bool(true) => *schema = json!({}),
        Value::Object(schema) => rewrite_object(schema, side),
        _ => {}
    }
}

fn rewrite_object(schema: &mut Map<String, Value>, side: Side) {
    unions::merge_parts(schema);
    constants::name_type(schema);
    nulls::split_types(schema, side);
    unions::distribute(schema);
    walk::for_each_mut(schema, &mut |part| rewrite(part, side));
    numbers::rewrite(schema);
    restrict_format(schema);
    lists::rewrite(schema);
    objects::rewrite(schema);
    unions::simplify(schema);
    if side == Side::Input {
        nulls::leave_out(schema);
    }
    exclude(schema);
}

fn restrict_format(schema: &mut Map<String, Value>) {
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| !FORMATS.contains(&format)) {
        schema.remove("format");
    }
}

/// Says in words which constant `not` excludes.
fn exclude(schema: &mut Map<String, Value>) {
    let excluded = schema.get("not").and_then(|not| {
        let constant = not["enum"].as_array().filter(|values| values.len() == 1)?;
        (not.as_object()?.keys().all(|key| key == "enum" || key == "type"))
            .then(|| constant[0].clone())
    });
    if let Some(constant) = excluded {
        schema.remove("not");
        note(schema, &format!("Not {constant}."));
    }
}
