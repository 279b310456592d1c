//! Output schemas: always of an object, as MCP revisions before 2026-07-28 require.

use std::{
    any::TypeId,
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::tool::schema::name_root;

/// The key of a result that is not an object.
pub(crate) const WRAPPED: &str = "result";

/// Whether a `T` is sent under [`WRAPPED`]. The schema decides and not the value, because some
/// values of an enum or an `Option` are objects. Cached, because every call asks.
pub(crate) fn wraps<T: JsonSchema + 'static>() -> bool {
    static KNOWN: RwLock<BTreeMap<TypeId, bool>> = RwLock::new(BTreeMap::new());
    let id = TypeId::of::<T>();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
    known.unwrap_or_else(|| {
        let wraps = of::<T>().is_some_and(|(_, wraps)| wraps);
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(id, wraps);
        wraps
    })
}

/// The schema of a `T` as a result, and whether it is wrapped.
pub(crate) fn of<T: JsonSchema>() -> Option<(Map<String, Value>, bool)> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let is_object = is_object(&schema, &schema, 0);
    let Value::Object(mut schema) = schema else { return None };
    if is_object {
        // The schema of an enum of objects says so of each variant only.
        schema.insert("type".into(), "object".into());
        return Some((schema, false));
    }
    Some((wrap(schema), true))
}

/// Whether every value of the schema is an object.
fn is_object(schema: &Value, root: &Value, depth: u8) -> bool {
    let below = |part: &Value| depth < 16 && is_object(part, root, depth + 1);
    let parts = |key: &str| schema[key].as_array().filter(|parts| !parts.is_empty());
    let target = schema["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
    schema["type"] == "object"
        || target.is_some_and(below)
        || parts("allOf").is_some_and(|parts| parts.iter().any(below))
        || ["oneOf", "anyOf"]
            .into_iter()
            .any(|key| parts(key).is_some_and(|parts| parts.iter().all(below)))
}

fn wrap(mut schema: Map<String, Value>) -> Map<String, Value> {
    name_root(&mut schema);
    let mut outer = Map::new();
    // References are relative to the root, so their targets stay there.
    for key in ["$schema", "$defs"] {
        outer.extend(schema.remove_entry(key));
    }
    outer.insert("type".into(), "object".into());
    outer.insert("properties".into(), json!({ WRAPPED: schema }));
    outer.insert("required".into(), json!([WRAPPED]));
    outer
}
