//! Arguments as hosts send them: what is taken, and what is refused, both ways of a call.

use std::collections::BTreeMap;

use integration::{
    log::Log,
    two_ways::{Sent, TwoWays},
    zoo::{self, CALLS},
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toolgate::{Server, prelude::*, tools};
use tracing::Level;

/// What is searched for.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
struct Filter {
    words: Vec<String>,
    #[serde(default)]
    exact: bool,
    min: Option<u16>,
}

/// A page.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
struct PageOf {
    /// Where it begins.
    offset: Option<u32>,
    #[serde(default = "ten")]
    size: u8,
}

fn ten() -> u8 {
    10
}

/// Everything that was decoded.
#[derive(JsonSchema, Serialize)]
struct Taken {
    count: u8,
    limit: u32,
    ratio: Option<f64>,
    big: Option<i64>,
    huge: Option<u64>,
    flags: Option<Vec<bool>>,
    filter: Option<Filter>,
    text: Option<String>,
    any: Option<Value>,
    by_name: BTreeMap<String, Vec<i8>>,
    page: PageOf,
}

/// Returns what it takes.
#[tool]
#[allow(clippy::too_many_arguments)]
async fn take(
    count: u8,
    #[arg(default = 30, range(1..=100))] limit: u32,
    ratio: Option<f64>,
    big: Option<i64>,
    huge: Option<u64>,
    #[arg(length(..=3))] flags: Option<Vec<bool>>,
    filter: Option<Filter>,
    text: Option<String>,
    any: Option<Value>,
    #[arg(default)] by_name: BTreeMap<String, Vec<i8>>,
    #[arg(flatten)] page: PageOf,
) -> Json<Taken> {
    Json(Taken { count, limit, ratio, big, huge, flags, filter, text, any, by_name, page })
}

/// Takes nothing.
#[tool]
async fn nothing() -> &'static str {
    "nothing"
}

/// Finds a repository.
#[tool]
async fn find(repo: String, id: Option<u8>, user_name: Option<String>) -> String {
    format!("{repo} {id:?} {user_name:?}")
}

/// Counts.
#[tool(strict)]
async fn count_to(to: u8) -> Json<u8> {
    Json(to)
}

fn add(server: Server) -> Server {
    server.tools(tools![take, nothing, find, count_to])
}

/// The result of a call that both ways agree on: the structured content or the text, or the error.
async fn result(ways: &TwoWays, tool: &str, arguments: &str) -> Result<Value, String> {
    let came = ways.send(&Sent::call(tool, arguments, &ways.token(""))).await.unwrap();
    let json = came.json.unwrap_or_else(|| panic!("{arguments} is answered with JSON"));
    let result = &json["result"];
    let text = || result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    match (result["isError"].as_bool(), result.get("structuredContent")) {
        (Some(true), _) => Err(text()),
        (_, Some(structured)) => Ok(structured.clone()),
        _ => Ok(text().into()),
    }
}

/// The arguments that differ from those of `{"count":1}`.
fn taken(changes: &Value) -> Value {
    let mut taken = json!({
        "count": 1, "limit": 30, "ratio": null, "big": null, "huge": null, "flags": null,
        "filter": null, "text": null, "any": null, "by_name": {},
        "page": { "offset": null, "size": 10 },
    });
    for (name, value) in changes.as_object().unwrap() {
        taken[name] = value.clone();
    }
    taken
}

#[tokio::test]
async fn arguments_are_taken_in_the_forms_in_which_hosts_send_them() {
    let ways = TwoWays::serving(add).await;
    for (arguments, changes) in [
        // Text that holds JSON.
        (r#"{"count":"7"}"#, json!({ "count": 7 })),
        (r#"{"count":1,"flags":"[true,false]"}"#, json!({ "flags": [true, false] })),
        (r#"{"count":1,"flags":["true",false]}"#, json!({ "flags": [true, false] })),
        (r#"{"count":1,"ratio":"0.5"}"#, json!({ "ratio": 0.5 })),
        (
            r#"{"count":1,"filter":"{\"words\":[\"5\"],\"exact\":\"true\",\"min\":\"3\"}"}"#,
            json!({ "filter": { "words": ["5"], "exact": true, "min": 3 } }),
        ),
        (
            r#"{"count":1,"filter":{"words":"[\"a\"]","exact":null,"min":null}}"#,
            json!({ "filter": { "words": ["a"], "exact": false, "min": null } }),
        ),
        (
            r#"{"count":1,"by_name":"{\"a\":[\"1\"],\"b\":\"[2.0]\"}"}"#,
            json!({ "by_name": { "a": [1], "b": [2] } }),
        ),
        // A text stays what it is, and so does any value.
        (r#"{"count":1,"text":"[1,2]"}"#, json!({ "text": "[1,2]" })),
        (r#"{"count":"1","text":"null"}"#, json!({ "text": "null" })),
        (
            r#"{"count":"1","any":{"a":"1","b":[1.0,null]}}"#,
            json!({ "any": { "a": "1", "b": [1.0, null] } }),
        ),
        // Null is nothing.
        (r#"{"count":1,"limit":null,"flags":null,"by_name":null}"#, json!({})),
        (r#"{"count":1,"limit":"null","flags":"null"}"#, json!({})),
        (r#"{"count":1,"offset":null,"size":null}"#, json!({})),
        // Integers.
        (r#"{"count":30.0,"limit":3e1}"#, json!({ "count": 30, "limit": 30 })),
        (r#"{"count":-0.0,"limit":1.0}"#, json!({ "count": 0, "limit": 1 })),
        (r#"{"count":1,"by_name":{"a":[1.0,-2e0]}}"#, json!({ "by_name": { "a": [1, -2] } })),
        (
            r#"{"count":1,"big":9007199254740993.0,"huge":1e19}"#,
            json!({ "big": 9_007_199_254_740_993_i64, "huge": 10_000_000_000_000_000_000_u64 }),
        ),
        (
            r#"{"count":1,"big":-9223372036854775808.0,"huge":18446744073709551615.0}"#,
            json!({ "big": i64::MIN, "huge": u64::MAX }),
        ),
        // The fields of a flattened type.
        (r#"{"count":1,"offset":"5","size":20.0}"#, json!({ "page": { "offset": 5, "size": 20 } })),
        // What the host adds.
        (r#"{"count":1,"sessionId":"s","toolCallId":"5","action":{},"chatInput":null}"#, json!({})),
    ] {
        let result = result(&ways, "take", arguments).await;
        assert_eq!(result, Ok(taken(&changes)), "{arguments}");
    }
    let added = result(&ways, "nothing", r#"{"sessionId":"s"}"#).await;
    assert_eq!(added, Ok("nothing".into()));
    let added = result(&ways, "find", r#"{"repo":"r","toolCallId":"t","sessionId":"s"}"#).await;
    assert_eq!(added, Ok("r None None".into()));
}

#[tokio::test]
async fn what_means_nothing_is_refused_with_its_path_and_rule() {
    let ways = TwoWays::serving(add).await;
    for (arguments, expected) in [
        (r#"{"count":"seven"}"#, "`count`: must be u8, it is a string"),
        (r#"{"count":""}"#, "`count`: must be u8, it is a string"),
        (r#"{"count":"300"}"#, "`count`: must be u8, it is an integer"),
        (r#"{"count":300.0}"#, "`count`: must be u8, it is an integer"),
        (r#"{"count":30.5}"#, "`count`: must be u8, it is a number with a fraction"),
        (r#"{"count":-1.0}"#, "`count`: must be u8, it is an integer"),
        (r#"{"count":null}"#, "`count`: must be u8, it is null"),
        (r#"{"count":"null"}"#, "`count`: must be u8, it is a string"),
        (r#"{"count":"[1]"}"#, "`count`: must be u8, it is a string"),
        (r#"{"count":true}"#, "`count`: must be u8, it is a boolean"),
        (r#"{"limit":5}"#, "`count` is missing"),
        (r#"{"count":1,"flags":"yes"}"#, "`flags`: must be a sequence, it is a string"),
        (r#"{"count":1,"flags":["True"]}"#, "`flags[0]`: must be a boolean, it is a string"),
        (r#"{"count":1,"flags":[true,1]}"#, "`flags[1]`: must be a boolean, it is an integer"),
        (r#"{"count":1,"filter":{"words":["a"],"min":"x"}}"#, "`filter.min`: must be u16"),
        (
            r#"{"count":1,"filter":{"words":null}}"#,
            "`filter.words`: must be a sequence, it is null",
        ),
        (r#"{"count":1,"filter":{"exact":true}}"#, "`filter`: missing field `words`"),
        (r#"{"count":1,"text":5}"#, "`text`: must be a string, it is an integer"),
        (r#"{"count":1,"huge":18446744073709551616.0}"#, "`huge`: must be u64"),
        (r#"{"count":1,"big":9223372036854775808.0}"#, "`big`: must be i64"),
        (r#"{"count":1,"size":"x"}"#, "`size`: must be u8, it is a string"),
        // Rules are about the value that was read.
        (r#"{"count":1,"limit":"101"}"#, "`limit`: must be 1 to 100"),
        (r#"{"count":1,"limit":0.0}"#, "`limit`: must be 1 to 100"),
        (
            r#"{"count":1,"flags":"[true,true,true,true]"}"#,
            "`flags`: must have at most 3 items, it has 4",
        ),
        // What looks like a name.
        (r#"{"count":1,"limitt":5}"#, "there is no argument `limitt`: did you mean `limit`?"),
        (r#"{"Count":1}"#, "did you mean `count`?"),
        (r#"{"count":1,"byName":{}}"#, "did you mean `by_name`?"),
        (r#"{"count":1,"FILTER":{}}"#, "did you mean `filter`?"),
        // One that may have been meant for what is missing.
        (
            r#"{"number":1}"#,
            "`count` is missing, and there is no argument `number`: the arguments are",
        ),
    ] {
        let error = result(&ways, "take", arguments).await.unwrap_err();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    let error = result(&ways, "find", r#"{"repo":"r","userName":"u"}"#).await.unwrap_err();
    assert!(error.contains("did you mean `user_name`?"), "{error}");
    let error = result(&ways, "find", r#"{"repo":"r","ID":5}"#).await.unwrap_err();
    assert!(error.contains("did you mean `id`?"), "{error}");
}

#[tokio::test]
async fn a_strict_server_refuses_what_differs_from_the_schema() {
    let ways = TwoWays::serving(|server| add(server).strict_arguments(true)).await;
    for (arguments, expected) in [
        (r#"{"count":"7"}"#, "`count`: must be u8, it is a string"),
        (r#"{"count":7.0}"#, "`count`: must be u8, it is a number with a fraction"),
        (r#"{"count":7,"limit":null}"#, "`limit`: must be u32, it is null"),
        (r#"{"count":7,"sessionId":"s"}"#, "there is no argument `sessionId`: the arguments are"),
    ] {
        let error = result(&ways, "take", arguments).await.unwrap_err();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    let count =
        result(&ways, "take", r#"{"count":7,"flags":null}"#).await.unwrap()["count"].clone();
    assert_eq!(count, 7);
    let error = result(&ways, "nothing", r#"{"a":1}"#).await.unwrap_err();
    assert!(error.contains("this tool takes none"), "{error}");
}

#[tokio::test]
async fn a_strict_tool_refuses_what_differs_from_the_schema_on_a_server_that_does_not() {
    let ways = TwoWays::serving(add).await;
    for (arguments, expected) in [
        (r#"{"to":"7"}"#, "`to`: must be u8, it is a string"),
        (r#"{"to":7.0}"#, "`to`: must be u8, it is a number with a fraction"),
        (r#"{"to":7,"sessionId":"s"}"#, "there is no argument `sessionId`"),
    ] {
        let error = result(&ways, "count_to", arguments).await.unwrap_err();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    assert_eq!(result(&ways, "count_to", r#"{"to":7}"#).await.unwrap()["result"], 7);
    assert_eq!(result(&ways, "take", r#"{"count":"7"}"#).await.unwrap()["count"], 7);
}

#[tokio::test]
async fn ignored_arguments_are_logged_in_one_line_without_their_values() {
    let (log, _guard) = Log::listen(Level::INFO);
    let ways = TwoWays::serving(add).await;
    let oversized = "n".repeat(500);
    let hostile = r"a\n\u001b[31m\u202eb";
    let arguments = format!(r#"{{"count":1,"sessionId":"secret","{hostile}":1,"{oversized}":2}}"#);
    result(&ways, "take", &arguments).await.unwrap();
    let lines = log.lines("that the tool does not have");
    assert_eq!(lines.len(), 2, "one for each way: {lines:?}");
    for line in lines {
        assert!(line.contains("sessionId") && line.contains("take"), "{line}");
        assert!(line.contains(r"a\u{a}\u{1b}[31m\u{202e}b"), "{line}");
        assert!(!line.contains("secret") && line.len() < 600, "{line}");
    }
    // Many of them are counted, not listed.
    let many: Vec<_> = (0..1000).map(|at| format!("\"host_adds_{at}\":1")).collect();
    result(&ways, "nothing", &format!("{{{}}}", many.join(","))).await.unwrap();
    let line = log.lines("host_adds_").pop().unwrap();
    assert!(line.contains("count=1000") && line.len() < 1000, "{line}");
    // A misspelled name and a key of a map are the caller's as well.
    for arguments in
        [r#"{"count":1,"limi\u202e":1}"#, r#"{"count":1,"by_name":{"\u001b\u202e":["x"]}}"#]
    {
        let error = result(&ways, "take", arguments).await.unwrap_err();
        assert!(error.contains(r"\u{202e}") && !error.contains('\u{202e}'), "{error}");
    }
}

/// A random number generator for one case.
struct Dice(TestRng);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.0.next_u64() % sides as u64).unwrap()
    }
}

/// A value of a schema.
fn generate(schema: &Value, root: &Value, dice: &mut Dice, depth: usize) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return generate(root.pointer(&path[1..]).unwrap(), root, dice, depth);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[dice.roll(values.len())].clone();
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        // Deep down, the one that ends first.
        let at = if depth > 4 { 0 } else { dice.roll(alternatives.len()) };
        return generate(&alternatives[at], root, dice, depth + 1);
    }
    let count = |dice: &mut Dice, low: &str, high: &str| {
        let low = schema[low].as_u64().unwrap_or(0);
        let high = schema[high].as_u64().unwrap_or(if depth > 4 { low } else { low + 3 });
        low + dice.roll(usize::try_from(high - low + 1).unwrap()) as u64
    };
    match schema["type"].as_str() {
        Some("integer") => {
            let bound = |name: &str| schema[name].as_number().and_then(serde_json::Number::as_i128);
            let low = bound("minimum").unwrap_or(i64::MIN.into());
            let high = bound("maximum").unwrap_or(i64::MAX.into());
            let among =
                [low, high, low + 1, high - 1, i128::midpoint(low, high), 1.clamp(low, high)];
            let number = among[dice.roll(among.len())];
            let number = u64::try_from(number).map(Value::from);
            number.unwrap_or_else(|_| Value::from(i64::try_from(low).unwrap()))
        }
        Some("number") => [json!(0.5), json!(-3), json!(1e6)][dice.roll(3)].clone(),
        Some("boolean") => (dice.roll(2) == 0).into(),
        Some("null") => Value::Null,
        Some("string") if schema["maxLength"] == 1 => "x".into(),
        Some("string") => ["", "5", "null", "[1]", "true", "\"", "text"][dice.roll(7)].into(),
        Some("array") => {
            let count = count(dice, "minItems", "maxItems");
            (0..count).map(|_| generate(&schema["items"], root, dice, depth + 1)).collect()
        }
        Some("object") => {
            let mut object = serde_json::Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let required = schema["required"]
                    .as_array()
                    .is_some_and(|all| all.contains(&name.as_str().into()));
                if required || depth < 4 && dice.roll(2) == 0 {
                    object.insert(name.clone(), generate(property, root, dice, depth + 1));
                }
            }
            if schema["additionalProperties"].is_object() {
                for at in 0..count(dice, "minProperties", "maxProperties") {
                    let value = generate(&schema["additionalProperties"], root, dice, depth + 1);
                    object.insert(at.to_string(), value);
                }
            }
            object.into()
        }
        _ => [json!({ "a": "5" }), json!("5"), json!(5), json!([null])][dice.roll(4)].clone(),
    }
}

/// The JSON of a value as some host sends it.
fn mutate(value: &Value, schema: &Value, root: &Value, dice: &mut Dice, texts: usize) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        return mutate(value, root.pointer(&path[1..]).unwrap(), root, dice, texts);
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let tagged = |schema: &Value| {
            let properties = schema["properties"].as_object();
            properties.is_some_and(|properties| {
                properties.iter().all(|(name, property)| {
                    property["enum"].as_array().is_none_or(|tags| tags.contains(&value[name]))
                }) && schema["required"].as_array().is_none_or(|required| {
                    required.iter().all(|name| value.get(name.as_str().unwrap()).is_some())
                })
            })
        };
        // A text that is one of the alternatives could be meant.
        let has_text = |schema: &Value| schema["type"] == "string" && schema["enum"].is_null();
        let fitting: Vec<_> = alternatives.iter().filter(|schema| tagged(schema)).collect();
        return match fitting.as_slice() {
            [one] if !alternatives.iter().any(has_text) => mutate(value, one, root, dice, texts),
            _ => value.to_string(),
        };
    }
    let raw = match schema["type"].as_str() {
        Some("integer") => {
            let text = value.to_string();
            match dice.roll(4) {
                0 => format!("{text}.0"),
                1 => format!("{text}e0"),
                2 if *value != 0 => format!("{text}00e-2"),
                _ => text,
            }
        }
        Some("number" | "boolean") => value.to_string(),
        Some("array") => {
            let items: Vec<_> = value
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| mutate(item, &schema["items"], root, dice, texts))
                .collect();
            format!("[{}]", items.join(","))
        }
        Some("object") => {
            let mut members = Vec::new();
            for (name, member) in value.as_object().into_iter().flatten() {
                let property = schema["properties"].get(name);
                let property = property.unwrap_or(&schema["additionalProperties"]);
                let raw = mutate(member, property, root, dice, texts);
                members.push(format!("{}:{raw}", Value::from(name.as_str())));
            }
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let takes_any = property.as_object().unwrap().is_empty();
                if value.get(name).is_none() && property["anyOf"].is_null() && !takes_any {
                    members.push(format!("{}:null", Value::from(name.as_str())));
                }
            }
            format!("{{{}}}", members.join(","))
        }
        _ => return value.to_string(),
    };
    let is_text = dice.roll(3) == 0 && texts < 3;
    if is_text { Value::from(raw).to_string() } else { raw }
}

/// The tools whose schemas say all that decoding wants: there is no keyword for the types in a
/// tuple, for numbers as keys, and for the variant that a flattened argument belongs to.
const EXACT: &[&str] = &[
    "order",
    "plain",
    "internal",
    "untagged",
    "optional",
    "option",
    "anything",
    "value",
    "node",
    "expression",
    "flat",
    "rest",
    "closed",
    "pages",
    "named",
    "defaults",
    "namesakes",
];

#[tokio::test]
async fn values_of_the_schema_are_taken_and_their_mutations_mean_the_same() {
    let add = |server: Server| server.tools(zoo::tools());
    let ways = TwoWays::serving(add).await;
    let described = add(Server::new("zoo", "1")).build().await.unwrap().describe();
    let mut dice = Dice(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for tool in described.tools.iter().filter(|tool| EXACT.contains(&tool.name.as_str())) {
        let schema = &tool.definition["inputSchema"];
        for _ in 0..40 {
            let value = generate(schema, schema, &mut dice, 0);
            let plain = result(&ways, &tool.name, &value.to_string()).await;
            assert!(plain.is_ok(), "{} {value}: {plain:?}\n{schema}", tool.name);
            let mutation = mutate_arguments(&value, schema, &mut dice);
            let mutated = result(&ways, &tool.name, &mutation).await;
            assert_eq!(mutated, plain, "{} {value}: {mutation}", tool.name);
        }
    }
    // Of the others, the calls that are known to succeed.
    for (name, arguments) in CALLS {
        let tool = described.tools.iter().find(|tool| tool.name == *name).unwrap();
        let schema = &tool.definition["inputSchema"];
        let plain = result(&ways, name, arguments).await;
        for _ in 0..20 {
            let value = serde_json::from_str(arguments).unwrap();
            let mutation = mutate_arguments(&value, schema, &mut dice);
            assert_eq!(result(&ways, name, &mutation).await, plain, "{name} {mutation}");
        }
    }
}

/// The arguments themselves are always an object, to which hosts add some of their own.
fn mutate_arguments(value: &Value, schema: &Value, dice: &mut Dice) -> String {
    let object = mutate(value, schema, schema, dice, 3);
    // Inside of it, texts are opened.
    let mut members = Vec::new();
    for (name, member) in value.as_object().unwrap() {
        let raw = mutate(member, &schema["properties"][name], schema, dice, 0);
        members.push(format!("{}:{raw}", Value::from(name.as_str())));
    }
    if dice.roll(2) == 0 {
        return object;
    }
    if dice.roll(2) == 0 {
        members.push("\"toolCallId\":\"5\"".to_owned());
    }
    format!("{{{}}}", members.join(","))
}
