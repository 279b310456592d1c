//! Definitions of schemas: `$defs`, and the references to them.

use std::{borrow::Cow, collections::BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::walk;

const PREFIX: &str = "#/$defs/";

/// The name of the definition that a reference is to.
pub(crate) fn target(reference: &str) -> Option<Cow<'_, str>> {
    let name = percent_decode_str(reference.strip_prefix(PREFIX)?).decode_utf8().ok()?;
    if name.contains('~') {
        return Some(name.replace("~1", "/").replace("~0", "~").into());
    }
    Some(name)
}

/// The definition that a schema refers to.
pub(crate) fn resolve<'a>(
    schema: &Map<String, Value>,
    definitions: &'a Map<String, Value>,
) -> Option<&'a Value> {
    definitions.get(&*target(schema.get("$ref")?.as_str()?)?)
}

/// Takes the definitions of a root schema.
pub(crate) fn take(schema: &mut Map<String, Value>) -> Map<String, Value> {
    match schema.remove("$defs") {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}

/// Adds the definitions of `schema` to `all`. One that has the name of another but not its content
/// gets a name of its own.
pub(crate) fn absorb(
    all: &mut Map<String, Value>,
    schema: &mut Value,
    mut definitions: Map<String, Value>,
) {
    let names: Vec<String> = definitions.keys().cloned().collect();
    for name in names {
        if all.get(&name).is_none_or(|other| *other == definitions[&name]) {
            continue;
        }
        let taken = |suffix: u32| {
            let unique = format!("{name}{suffix}");
            all.contains_key(&unique) || definitions.contains_key(&unique)
        };
        let mut suffix = 2;
        while taken(suffix) {
            suffix += 1;
        }
        rename(schema, &name, suffix);
        definitions.values_mut().for_each(|definition| rename(definition, &name, suffix));
        if let Some(definition) = definitions.remove(&name) {
            definitions.insert(format!("{name}{suffix}"), definition);
        }
    }
    all.extend(definitions);
}

fn rename(schema: &mut Value, name: &str, suffix: u32) {
    let Value::Object(schema) = schema else { return };
    if let Some(Value::String(reference)) = schema.get_mut("$ref")
        && target(reference).is_some_and(|target| target == name)
    {
        *reference = format!("{reference}{suffix}");
    }
    walk::for_each_mut(schema, &mut |schema| rename(schema, name, suffix));
}

/// Visits the target of every reference in a schema.
pub(super) fn for_each_target(schema: &Value, visit: &mut dyn FnMut(&str)) {
    let Value::Object(schema) = schema else { return };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(target) {
        visit(&name);
    }
    walk::for_each(schema, &mut |schema| for_each_target(schema, visit));
}

/// Removes the definitions that nothing refers to.
pub(super) fn prune(schema: &mut Map<String, Value>) {
    let mut definitions = take(schema);
    let mut reached = BTreeSet::new();
    let root = Value::Object(std::mem::take(schema));
    let mut next = Vec::new();
    for_each_target(&root, &mut |name| next.push(name.to_owned()));
    while let Some(name) = next.pop() {
        if let Some(definition) = definitions.get(&name)
            && reached.insert(name)
        {
            for_each_target(definition, &mut |name| next.push(name.to_owned()));
        }
    }
    definitions.retain(|name, _| reached.contains(name));
    if let Value::Object(root) = root {
        *schema = root;
    }
    if !definitions.is_empty() {
        schema.insert("$defs".into(), definitions.into());
    }
}
