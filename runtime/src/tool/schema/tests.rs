//! Schemas that no type of the zoo in `tests/integration` has.

use serde_json::{Map, Value, json};

use super::{Side, for_hosts};

#[track_caller]
fn rewritten(schema: Value, side: Side) -> Value {
    let Value::Object(schema) = schema else { panic!("{schema}") };
    for_hosts(schema, side).into()
}

/// The schema of an argument, rewritten.
#[track_caller]
fn argument(schema: &Value) -> Value {
    let root = json!({ "type": "object", "properties": { "a": schema }, "required": ["a"] });
    rewritten(root, Side::Input)["properties"]["a"].clone()
}

#[test]
fn types_that_contain_many_others_are_not_repeated_without_end() {
    let mut definitions = Map::new();
    let leaf = json!({ "type": "string", "description": "d".repeat(200) });
    definitions.insert("T0".into(), leaf);
    for level in 1..40 {
        let inner = json!({ "$ref": format!("#/$defs/T{}", level - 1) });
        let members: Map<_, _> = (0..4).map(|at| (format!("m{at}"), inner.clone())).collect();
        definitions.insert(format!("T{level}"), json!({ "type": "object", "properties": members }));
    }
    let root = json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/T39" } }, "$defs": definitions });
    let text = rewritten(root, Side::Input).to_string();
    assert!(text.len() < 200_000, "{}", text.len());
    assert!(text.contains("\"$ref\""));
}

#[test]
fn names_of_definitions_are_decoded() {
    let node =
        json!({ "type": "object", "properties": { "next": { "$ref": "#/$defs/A~1B%3CC%3E" } } });
    let root = json!({
        "type": "object",
        "properties": { "a": { "$ref": "#/$defs/A~1B%3CC%3E" }, "b": { "$ref": "#/$defs/D%20E" } },
        "$defs": { "A/B<C>": node, "D E": { "type": "string" }, "unused": {} },
    });
    let schema = rewritten(root, Side::Input);
    assert_eq!(schema["$defs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["A/B<C>"]);
    assert_eq!(schema["properties"]["b"], json!({ "type": "string" }));
}

#[test]
fn values_that_look_like_schemas_stay_as_they_are() {
    let schema = json!({
        "type": "object",
        "default": { "oneOf": [true], "$ref": "#/$defs/A" },
        "examples": [{ "const": 1, "properties": { "a": true } }],
        "properties": { "const": { "type": "string" }, "enum": true },
    });
    let mut expected = schema.clone();
    expected["properties"]["enum"] = json!({});
    assert_eq!(argument(&schema), expected);
}

#[test]
fn lists_of_types_are_split_where_a_model_writes_the_value() {
    let schema = json!({
        "type": ["string", "integer", "null"],
        "description": "Either.",
        "enum": ["a", 1, null],
    });
    assert_eq!(
        argument(&schema),
        json!({
            "description": "Either.",
            "anyOf": [
                { "type": "string", "enum": ["a"] },
                { "type": "integer", "enum": [1] },
                { "type": "null" },
            ],
        })
    );
    let nullable = json!({ "type": ["array", "null"], "items": true, "maxItems": 3 });
    let root = json!({ "type": "object", "properties": { "a": nullable }, "required": ["a"] });
    assert_eq!(
        rewritten(root, Side::Output)["properties"]["a"],
        json!({ "type": ["array", "null"], "items": {}, "maxItems": 3 })
    );
    assert_eq!(
        argument(&nullable),
        json!({ "anyOf": [{ "type": "array", "items": {}, "maxItems": 3 }, { "type": "null" }] })
    );
}

#[test]
fn parts_that_cannot_be_merged_stay() {
    let schema = json!({ "allOf": [{ "type": "string" }, { "type": "integer" }] });
    assert_eq!(argument(&schema), json!({ "type": "string", "allOf": [{ "type": "integer" }] }));
    // Alternatives times alternatives, up to a bound.
    let variants = |name: &str, count: usize| -> Value {
        let variant = |at: usize| json!({ "type": "object", "properties": { name: { "const": at } }, "required": [name] });
        json!({ "oneOf": (0..count).map(variant).collect::<Vec<_>>() })
    };
    let few = argument(&json!({ "type": "object", "allOf": [variants("a", 2), variants("b", 3)] }));
    assert_eq!(few["anyOf"].as_array().unwrap().len(), 6, "{few}");
    assert_eq!(few["anyOf"][0]["required"], json!(["b", "a"]));
    let many =
        argument(&json!({ "type": "object", "allOf": [variants("a", 9), variants("b", 9)] }));
    assert!(many.to_string().len() < 10_000 && many["allOf"].is_array(), "{many}");
}

#[test]
fn tuples_of_both_drafts_become_lists() {
    let expected = json!({
        "type": "array",
        "items": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
        "minItems": 2,
        "maxItems": 2,
        "description": "The items in order: string, integer.",
    });
    let items = json!([{ "type": "string" }, { "type": "integer" }]);
    let new = json!({ "type": "array", "prefixItems": items, "items": false, "minItems": 2 });
    let old = json!({ "type": "array", "items": items, "additionalItems": false, "minItems": 2 });
    assert_eq!(argument(&new), expected);
    assert_eq!(argument(&old), expected);
}

#[test]
fn formats_and_keys_that_few_know_are_put_in_words() {
    assert_eq!(argument(&json!({ "type": "string", "format": "hostname" }))["format"], "hostname");
    assert_eq!(
        argument(&json!({ "type": "string", "format": "byte" })),
        json!({ "type": "string" })
    );
    assert_eq!(
        argument(&json!({ "type": "integer", "format": "uint32", "exclusiveMaximum": 10 })),
        json!({ "type": "integer", "minimum": 0, "exclusiveMaximum": 10 })
    );
    let map = json!({
        "type": "object",
        "patternProperties": { "^x": { "type": "string" } },
        "additionalProperties": false,
    });
    assert_eq!(
        argument(&map),
        json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
            "description": "The keys match the pattern `^x`.",
        })
    );
}
