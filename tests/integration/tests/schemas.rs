//! Schemas: what hosts are shown of the types of arguments and results.

use std::fmt::Write as _;

use integration::{
    client::post_call,
    host::serve,
    zoo::{CALLS, tools},
};
use serde_json::{Value, json};
use toolgate::Server;

fn server() -> Server {
    Server::new("zoo", "1").tools(tools())
}

/// Visits each part of a schema, with its path.
fn walk(part: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, part);
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                if !["default", "examples", "enum", "description"].contains(&name.as_str()) {
                    walk(member, &format!("{path}/{name}"), visit);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}/{at}"), visit);
            }
        }
        _ => {}
    }
}

/// The schemas of the zoo are in `tests/integration/schemas/zoo.json`, each with calls that succeed
/// and their results. `BLESS=1` writes it; `.ci/schemas` gives it to other people's judges.
#[tokio::test]
async fn the_schemas_of_every_type_are_as_they_were() {
    let description = server().build().await.unwrap().describe();
    let mcp = serve(server()).await;
    let mut all = Vec::new();
    for tool in &description.tools {
        let mut calls = Vec::new();
        for (_, arguments) in CALLS.iter().filter(|(name, _)| *name == tool.name) {
            let answer = post_call(&mcp, &tool.name, arguments).await;
            let result = &answer["result"];
            assert_ne!(result["isError"], true, "{} {arguments}: {answer}", tool.name);
            let arguments: Value = serde_json::from_str(arguments).unwrap();
            calls.push(json!({ "arguments": arguments, "result": result["structuredContent"] }));
        }
        assert!(!calls.is_empty(), "{} is never called", tool.name);
        let definition = &tool.definition;
        all.push(json!({
            "name": tool.name,
            "inputSchema": definition["inputSchema"],
            "outputSchema": definition["outputSchema"],
            "calls": calls,
        }));
    }
    let text = serde_json::to_string_pretty(&all).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/zoo.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text, "{path} is stale");
}

#[tokio::test]
async fn a_schema_has_only_what_apis_of_models_understand() {
    let description = server().build().await.unwrap().describe();
    let mut found = String::new();
    for tool in &description.tools {
        for side in ["inputSchema", "outputSchema"] {
            let schema = &tool.definition[side];
            let path = format!("{}/{side}", tool.name);
            assert_eq!(schema["type"], "object", "{path}: {schema}");
            let recursive = ["node", "expression"].contains(&tool.name.as_str());
            walk(schema, &path, &mut |path, part| {
                let is_property = path.rsplit('/').nth(1) == Some("properties");
                let mut fault = |what: &str| writeln!(found, "{path}: {what}: {part}").unwrap();
                if *part == true {
                    fault("a schema that is `true`");
                }
                let Value::Object(part) = part else { return };
                if is_property && !part.is_empty() {
                    let known = ["type", "anyOf", "$ref"];
                    let has_type = known.iter().any(|keyword| part.contains_key(*keyword));
                    let described =
                        |keyword: &String| keyword == "description" || keyword == "title";
                    if !has_type && !part.keys().all(described) {
                        fault("a property without a type");
                    }
                }
                if path.ends_with("/properties") {
                    return;
                }
                for keyword in [
                    "$schema",
                    "const",
                    "oneOf",
                    "allOf",
                    "not",
                    "prefixItems",
                    "uniqueItems",
                    "patternProperties",
                    "propertyNames",
                    "unevaluatedProperties",
                ] {
                    if part.contains_key(keyword) {
                        fault(keyword);
                    }
                }
                if part.get("type").is_some_and(Value::is_array) && side == "inputSchema" {
                    fault("a list of types");
                }
                if !recursive && (part.contains_key("$ref") || part.contains_key("$defs")) {
                    fault("a reference");
                }
                let formats = ["date-time", "date", "uuid", "uri"];
                if part.get("format").is_some_and(|it| !formats.iter().any(|known| it == known)) {
                    fault("a format");
                }
            });
        }
    }
    assert_eq!(found, "");
}

#[tokio::test]
async fn types_of_one_name_keep_their_own_shapes() {
    let description = server().build().await.unwrap().describe();
    let tool = description.tools.iter().find(|tool| tool.name == "namesakes").unwrap();
    let properties = &tool.definition["inputSchema"]["properties"];
    assert_eq!(properties["here"]["properties"]["a"]["type"], "integer", "{properties}");
    assert_eq!(properties["here"]["properties"]["inner"]["required"], json!(["a"]));
    assert_eq!(properties["there"]["properties"]["b"]["type"], "boolean");
    assert_eq!(properties["there"]["properties"]["inner"]["required"], json!(["b"]));
    assert_eq!(properties["c"]["type"], "string");
    assert_eq!(properties["inner"]["required"], json!(["c"]));
}

#[tokio::test]
async fn constants_with_descriptions_stay_readable() {
    let description = server().build().await.unwrap().describe();
    let property = |tool: &str, name: &str| {
        let tool = description.tools.iter().find(|it| it.name == tool).unwrap();
        tool.definition["inputSchema"]["properties"][name].clone()
    };
    let values = json!(["as_found", "ascending", "descending"]);
    let lines = "- `ascending`: The small ones first.\n- `descending`: The great ones first.";
    assert_eq!(
        property("order", "value"),
        json!({ "type": "string", "enum": values, "description": format!("An order.\n{lines}") })
    );
    assert_eq!(
        property("defaults", "sorted"),
        json!({
            "type": "string",
            "enum": values,
            "default": "as_found",
            "description": format!("How it is sorted.\n{lines}"),
        })
    );
    // An argument that can be left out has no null, unless that differs from its default.
    assert_eq!(property("defaults", "order"), property("order", "value"));
    assert_eq!(
        property("defaults", "limit"),
        json!({
            "type": "integer", "minimum": 1, "maximum": 100, "default": 30,
        })
    );
    assert_eq!(
        property("defaults", "depth"),
        json!({
            "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 9 }, { "type": "null" }],
            "default": 3,
        })
    );
}
