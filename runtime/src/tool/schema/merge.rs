//! Merging of schemas: one schema for the values that two of them accept.

use serde_json::{Map, Value, map::Entry};

/// The largest number of alternatives that merging two unions may give.
const MAX_ALTERNATIVES: usize = 32;

/// The two schemas exclude each other, or only `allOf` can express both.
#[derive(Debug)]
pub(super) struct Unmergeable;

/// Merges `over` into `base`. Where both describe the value, `over` does. Of two objects, each
/// accepts the properties of the other.
pub(super) fn merge(
    mut base: Map<String, Value>,
    mut over: Map<String, Value>,
) -> Result<Map<String, Value>, Unmergeable> {
    for schema in [&mut base, &mut over] {
        one_union(schema)?;
    }
    for (keyword, value) in over {
        let known = match base.entry(keyword) {
            Entry::Vacant(vacant) => {
                vacant.insert(value);
                continue;
            }
            Entry::Occupied(occupied) => occupied,
        };
        let keyword = known.key().clone();
        let known = known.into_mut();
        match (keyword.as_str(), &mut *known, value) {
            (
                "properties" | "patternProperties" | "$defs",
                Value::Object(known),
                Value::Object(more),
            ) => {
                known.extend(more);
            }
            ("required", Value::Array(known), Value::Array(more)) => {
                for name in more {
                    if !known.contains(&name) {
                        known.push(name);
                    }
                }
            }
            ("allOf", Value::Array(known), Value::Array(more)) => known.extend(more),
            ("anyOf", Value::Array(known), Value::Array(more)) => {
                let product = product(known, &more)?;
                *known = product;
            }
            ("type", known, value) => *known = common_type(known, &value)?,
            (_, known, value) => *known = value,
        }
    }
    Ok(base)
}

/// Writes `oneOf` as `anyOf`: their alternatives are the variants of an enum, which exclude each
/// other by themselves.
pub(super) fn one_union(schema: &mut Map<String, Value>) -> Result<(), Unmergeable> {
    match (schema.remove("oneOf"), schema.get_mut("anyOf")) {
        (None, _) => {}
        (Some(one_of), None) => drop(schema.insert("anyOf".into(), one_of)),
        (Some(Value::Array(one_of)), Some(Value::Array(any_of))) => {
            match product(&one_of, any_of) {
                Ok(product) => *any_of = product,
                Err(error) => {
                    schema.insert("oneOf".into(), one_of.into());
                    return Err(error);
                }
            }
        }
        (Some(_), Some(_)) => return Err(Unmergeable),
    }
    Ok(())
}

/// Each alternative of the one merged with each of the other, without those that accept nothing.
fn product(one: &[Value], other: &[Value]) -> Result<Vec<Value>, Unmergeable> {
    if one.len() * other.len() > MAX_ALTERNATIVES {
        return Err(Unmergeable);
    }
    let mut all = Vec::new();
    for first in one {
        for second in other {
            let (Value::Object(first), Value::Object(second)) = (first, second) else {
                return Err(Unmergeable);
            };
            all.extend(merge(first.clone(), second.clone()).ok().map(Value::Object));
        }
    }
    if all.is_empty() { Err(Unmergeable) } else { Ok(all) }
}

fn common_type(one: &Value, other: &Value) -> Result<Value, Unmergeable> {
    let kinds = |value: &Value| match value {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let (one, other) = (kinds(one), kinds(other));
    let mut common: Vec<_> = one.into_iter().filter(|kind| other.contains(kind)).collect();
    match common.len() {
        0 => Err(Unmergeable),
        1 => Ok(common.remove(0)),
        _ => Ok(common.into()),
    }
}
