//! List of tools: names and schemas, as hosts and the APIs of models take them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{examination::Examination, finding::Rule, protocol::Spoken, rules::tools};
use crate::remote::{
    http::{Answer, Failure, Read},
    mcp,
    text::listed,
};

/// The most pages that are read.
const MAX_PAGES: usize = 50;

/// The most tools that are looked at.
const MAX_TOOLS: usize = 5000;

/// The deepest schema that is looked at.
const MAX_DEPTH: u8 = 32;

pub(super) async fn examine(exam: &mut Examination, spoken: &Spoken) {
    let Some(found) = list(exam, spoken).await else { return };
    let seen = format!("{} tools", found.len());
    exam.report.ok(&tools::LIST, &seen);
    let count = if found.len() <= 128 { Ok(seen) } else { Err(seen) };
    exam.report.judge(&tools::COUNT, count);
    let mut names = BTreeSet::new();
    let twice = offenders(&found, |tool| !names.insert(name(tool)));
    judge(exam, &tools::UNIQUE, &twice);
    for (rule, is_wrong) in TESTS {
        judge(exam, rule, &offenders(&found, is_wrong));
    }
}

type Test = fn(&Value) -> bool;

/// The rules of one tool, and what violates them.
static TESTS: [(&Rule, Test); 12] = [
    (&tools::NAMES, |tool| !is_name(&name(tool))),
    (&tools::LONG_NAMES, |tool| name(tool).len() > 40 && is_name(&name(tool))),
    (&tools::DESCRIPTIONS, |tool| {
        tool["description"].as_str().is_none_or(|text| text.trim().is_empty())
    }),
    (&tools::INPUT, |tool| tool["inputSchema"]["type"] != "object"),
    (&tools::TOP_LEVEL, |tool| {
        ["oneOf", "anyOf", "allOf", "not", "enum", "$ref"]
            .iter()
            .any(|key| tool["inputSchema"].get(key).is_some())
    }),
    (&tools::PROPERTIES, |tool| {
        any(tool, &|schema| properties(schema).any(|(_, property)| !property.is_object()))
    }),
    (&tools::KEYS, |tool| any(tool, &|schema| properties(schema).any(|(key, _)| !is_key(key)))),
    (&tools::ITEMS, |tool| {
        any(tool, &|schema| {
            has_type(schema, "array")
                && schema.get("items").is_none()
                && schema.get("prefixItems").is_none()
        })
    }),
    (&tools::REFERENCES, |tool| {
        any(tool, &|schema| {
            schema["$ref"].as_str().is_some_and(|target| {
                target
                    .strip_prefix('#')
                    .is_none_or(|path| tool["inputSchema"].pointer(path).is_none())
            })
        })
    }),
    (&tools::REQUIRED, |tool| {
        any(tool, &|schema| {
            let required = schema["required"].as_array().into_iter().flatten();
            let mut required = required.filter_map(Value::as_str);
            schema["properties"].is_object()
                && required.any(|name| schema["properties"].get(name).is_none())
        })
    }),
    (&tools::OUTPUT, |tool| {
        tool.get("outputSchema")
            .is_some_and(|schema| !schema.is_null() && schema["type"] != "object")
    }),
    (&tools::FORMATS, |tool| {
        any(tool, &|schema| {
            let unknown = [
                "int8", "int16", "uint", "uint8", "uint16", "uint32", "uint64", "int", "float",
                "double",
            ];
            schema["format"].as_str().is_some_and(|format| unknown.contains(&format))
        })
    }),
];

fn judge(exam: &mut Examination, rule: &'static Rule, offenders: &[String]) {
    let seen =
        if offenders.is_empty() { Ok("all of them".to_owned()) } else { Err(listed(offenders)) };
    exam.report.judge(rule, seen);
}

/// All pages.
async fn list(exam: &mut Examination, spoken: &Spoken) -> Option<Vec<Value>> {
    let (mut found, mut cursor, mut seen) = (Vec::new(), None::<Value>, BTreeSet::new());
    for _ in 0..MAX_PAGES {
        let params =
            cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        let answer = page(exam, spoken, params).await;
        let result = answer
            .as_ref()
            .ok()
            .and_then(Answer::message)
            .map(|mut message| message["result"].take());
        let Some(page) = result.as_ref().and_then(|result| result["tools"].as_array()) else {
            let seen = answer.map_or_else(|failure| failure.to_string(), |answer| answer.summary());
            exam.report.violated(&tools::LIST, seen);
            return None;
        };
        found.extend(page.iter().cloned());
        cursor = result
            .as_ref()
            .and_then(|result| result.get("nextCursor"))
            .filter(|cursor| !cursor.is_null())
            .cloned();
        let Some(cursor) = &cursor else {
            exam.report.ok(&tools::PAGES, "they end");
            return Some(found);
        };
        if !seen.insert(cursor.to_string()) || found.len() > MAX_TOOLS {
            exam.report.violated(&tools::PAGES, "the same cursor comes again");
            return Some(found);
        }
    }
    exam.report.violated(&tools::PAGES, format!("more than {MAX_PAGES}"));
    Some(found)
}

async fn page(exam: &Examination, spoken: &Spoken, params: Value) -> Result<Answer, Failure> {
    match &spoken.legacy {
        Some(remote) => remote.send(&mcp::request(6, "tools/list", params)).await,
        None => {
            let message = mcp::modern_request(6, "tools/list", params);
            exam.http.send(exam.authorized().modern(&message), Read::Message).await
        }
    }
}

fn offenders(tools: &[Value], mut is_wrong: impl FnMut(&Value) -> bool) -> Vec<String> {
    tools.iter().filter(|tool| is_wrong(tool)).map(name).collect()
}

fn name(tool: &Value) -> String {
    tool["name"].as_str().unwrap_or_default().to_owned()
}

/// What the APIs of models take as a name.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// What the APIs of models take as the name of a property.
fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn has_type(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind
        || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Whether the predicate holds for a schema of the arguments, at any depth.
fn any(tool: &Value, is_so: &dyn Fn(&Value) -> bool) -> bool {
    below(&tool["inputSchema"], is_so, 0)
}

fn below(schema: &Value, is_so: &dyn Fn(&Value) -> bool, depth: u8) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let within = |schema: &Value| below(schema, is_so, depth + 1);
    let map = |key: &str| schema[key].as_object().is_some_and(|map| map.values().any(within));
    let list = |key: &str| schema[key].as_array().is_some_and(|list| list.iter().any(within));
    let one = |key: &str| schema[key].is_object() && within(&schema[key]);
    is_so(schema)
        || ["properties", "$defs", "definitions", "patternProperties"].into_iter().any(map)
        || ["oneOf", "anyOf", "allOf", "prefixItems"].into_iter().any(list)
        || ["items", "additionalProperties", "not"].into_iter().any(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated(tool: Value) -> Vec<&'static str> {
        TESTS.iter().filter(|(_, is_wrong)| is_wrong(&tool)).map(|(rule, _)| rule.id).collect()
    }

    fn tool(input: Value) -> Value {
        json!({ "name": "a", "description": "b", "inputSchema": input })
    }

    #[test]
    fn schemas_that_hosts_refuse_are_found_at_any_depth() {
        assert!(violated(tool(json!({ "type": "object" }))).is_empty());
        let nested = |schema: Value| {
            tool(json!({
                "type": "object",
                "properties": { "a": { "anyOf": [{ "type": "null" }, { "type": "array", "items": schema }] } },
            }))
        };
        for (schema, rule) in [
            (json!({ "type": "array" }), "tools.items"),
            (json!({ "type": ["array", "null"] }), "tools.items"),
            (json!({ "type": "object", "properties": { "b": true } }), "tools.properties"),
            (json!({ "type": "object", "properties": { "b c": {} } }), "tools.keys"),
            (json!({ "$ref": "https://a.example/schema.json" }), "tools.references"),
            (json!({ "$ref": "#/$defs/Nothing" }), "tools.references"),
            (json!({ "type": "object", "properties": {}, "required": ["c"] }), "tools.required"),
            (json!({ "type": "integer", "format": "uint32" }), "tools.formats"),
        ] {
            assert_eq!(violated(nested(schema.clone())), [rule], "{schema}");
        }
        let fine = json!({ "type": "array", "items": { "$ref": "#/$defs/N" } });
        let defined = json!({
            "type": "object", "properties": { "a": fine },
            "$defs": { "N": { "type": "string", "format": "date-time" } },
        });
        assert!(violated(tool(defined)).is_empty());
    }

    #[test]
    fn names_are_those_of_the_apis_of_models() {
        let named = |name: &str| json!({ "name": name, "description": "b", "inputSchema": { "type": "object" } });
        assert!(violated(named("list_issues-2")).is_empty());
        assert_eq!(violated(named("a.b")), ["tools.names"]);
        assert_eq!(violated(named(&"x".repeat(41))), ["tools.long_names"]);
        assert_eq!(violated(named(&"x".repeat(65))), ["tools.names"]);
    }
}
