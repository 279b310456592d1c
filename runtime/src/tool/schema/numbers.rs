//! Formats of numbers: what schemars calls Rust's integers, as bounds.

use serde_json::{Map, Number, Value};

/// The bounds of the integers that schemars names by a format, as far as JSON numbers express them.
pub(crate) fn bounds_of_format(format: &str) -> Option<(Option<Number>, Option<Number>)> {
    let (low, high): (Option<Number>, Option<Number>) = match format {
        "int8" => (Some(i8::MIN.into()), Some(i8::MAX.into())),
        "int16" => (Some(i16::MIN.into()), Some(i16::MAX.into())),
        "int32" => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        "int64" | "int" => (Some(i64::MIN.into()), Some(i64::MAX.into())),
        "int128" => (None, None),
        "uint8" => (Some(0.into()), Some(u8::MAX.into())),
        "uint16" => (Some(0.into()), Some(u16::MAX.into())),
        "uint32" => (Some(0.into()), Some(u32::MAX.into())),
        "uint64" | "uint" => (Some(0.into()), Some(u64::MAX.into())),
        "uint128" => (Some(0.into()), None),
        _ => return None,
    };
    Some((low, high))
}

/// Replaces the format of an integer by its bounds, where it has none of its own.
pub(super) fn rewrite(schema: &mut Map<String, Value>) {
    let kind = schema.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("integer" | "number")) {
        return;
    }
    let is_integer = kind == Some("integer");
    let Some(Value::String(format)) = schema.remove("format") else { return };
    let Some((low, high)) = bounds_of_format(&format).filter(|_| is_integer) else { return };
    for (bound, inclusive, exclusive) in
        [(low, "minimum", "exclusiveMinimum"), (high, "maximum", "exclusiveMaximum")]
    {
        if let Some(bound) = bound
            && !schema.contains_key(inclusive)
            && !schema.contains_key(exclusive)
        {
            schema.insert(inclusive.into(), Value::Number(bound));
        }
    }
}
