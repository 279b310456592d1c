//! Arguments as hosts send them: what is taken, and what is refused, both ways of a call.

mod generated;

use std::collections::BTreeMap;

use integration::{
    log::Log,
    two_ways::{Sent, TwoWays},
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
