//! What the language makes of a function: its schema, its checks, its results, its annotations.

use std::{collections::BTreeMap, time::SystemTime};

use integration::{
    client::{post_call, text_of},
    host::serve,
};
use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toolgate::{
    Server,
    gate::Gate,
    prelude::*,
    testing::{Issuer, RESOURCE},
};

/// How a list is cut.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Cut {
    /// Where it begins.
    from: Option<u32>,
    /// In which order.
    order: Order,
}

/// An order.
#[derive(Serialize, Deserialize, JsonSchema, Debug)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// The small ones first.
    Ascending,
    /// The great ones first.
    Descending,
}

/// Takes everything that an argument may be.
///
/// At length.
#[tool(
    name = "everything",
    title = "Everything",
    idempotent,
    open_world = false,
    icons("https://example.com/icon.png"),
    meta(team = "compass", level = 3)
)]
#[allow(clippy::too_many_arguments)]
async fn takes_everything(
    #[arg(rename = "type")] kind: String,
    #[arg(one_of("low", "high"), default = "low")] level: String,
    #[arg(pattern = "^[a-z]+$", example = "abc")] word: Option<String>,
    #[arg(length(1..=2))] tags: Vec<String>,
    #[arg(range(-1.5..=1.5), default)] angle: f64,
    #[arg(range(1..))] count: Option<u32>,
    r#match: Option<bool>,
    #[arg(flatten)] cut: Cut,
) -> String {
    format!("{kind} {level} {word:?} {tags:?} {angle} {count:?} {match:?} {:?} {:?}", cut.from, cut.order, match = r#match)
}

/// Says nothing.
#[tool]
async fn nothing() {}

/// Says a constant.
#[tool(read_only)]
async fn constant() -> &'static str {
    "a constant"
}

/// Shows an image.
#[tool]
async fn image() -> Image {
    Image { bytes: vec![1, 2, 3], media_type: "image/png".into() }
}

/// Links to a resource.
#[tool]
async fn link() -> ResourceLink {
    ResourceLink { uri: "test://a".into(), name: "a".into(), media_type: None }
}

/// Gives an object.
#[tool]
async fn object() -> Json<BTreeMap<String, u8>> {
    Json([("one".to_owned(), 1)].into())
}

/// Gives rmcp's own result.
#[tool]
async fn raw() -> Result<CallToolResult> {
    Ok(CallToolResult::success(vec![ContentBlock::text("raw")]))
}

/// Fails in words.
#[tool]
async fn fails() -> Result<String> {
    Err(Error::new("there is no such month; say `january` to `december`"))
}

/// Fails with an error that is not worded for the model.
#[tool]
async fn breaks() -> std::result::Result<String, std::num::ParseIntError> {
    "hunter2".parse::<u8>().map(|number| number.to_string())
}

struct Started(SystemTime);

/// Tells what is injected, borrowed or not, next to an argument named like the tool.
#[tool]
async fn injected(
    started: &State<Started>,
    caller: Caller,
    context: &Context,
    injected: String,
    call: u8,
) -> String {
    let past = started.0.0 <= SystemTime::now();
    format!("{past} {} {} {injected} {call}", caller.subject(), context.is_cancelled())
}

async fn start() -> String {
    let server = Server::new("language", "1")
        .state(Started(SystemTime::now()))
        .tools(tools![takes_everything, nothing, constant, image, link, object, raw])
        .tools(tools![fails, breaks, injected]);
    serve(server).await
}

fn definition(tools: &Value, name: &str) -> Value {
    let tools = tools.as_array().unwrap();
    tools.iter().find(|tool| tool["name"] == name).unwrap()["definition"].clone()
}

/// What was found, of one kind or another.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Found {
    One { name: String },
    Many { names: Vec<String> },
    Nothing,
}

/// Some of its values are objects, and some are not.
#[derive(Serialize, Deserialize, JsonSchema)]
enum Mixed {
    Word,
    Pair(u8, u8),
    Named { result: u8 },
}

/// Holds things like itself.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Node {
    name: String,
    children: Vec<Node>,
}

/// Finds.
#[tool]
async fn finds(kind: u8) -> Json<Found> {
    Json(match kind {
        0 => Found::Nothing,
        1 => Found::One { name: "a".into() },
        _ => Found::Many { names: vec!["a".into()] },
    })
}

/// Mixes.
#[tool]
async fn mixes(kind: u8) -> Json<Mixed> {
    Json(match kind {
        0 => Mixed::Word,
        1 => Mixed::Pair(1, 2),
        _ => Mixed::Named { result: 3 },
    })
}

/// Perhaps finds a tree.
#[tool]
async fn perhaps(found: bool) -> Json<Option<Node>> {
    let leaf = |name: &str| Node { name: name.to_owned(), children: Vec::new() };
    Json(found.then(|| Node { name: "a".into(), children: vec![leaf("b")] }))
}

/// A number, or some.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Tree {
    Leaf(u8),
    Branch(Vec<Tree>),
}

/// Grows.
#[tool]
async fn grows() -> Json<Tree> {
    Json(Tree::Branch(vec![Tree::Leaf(1)]))
}

/// Any JSON.
#[tool]
async fn any() -> Json<Value> {
    Json(json!({ "a": 1 }))
}

#[tokio::test]
async fn what_a_tool_returns_is_what_its_schema_says() {
    let server =
        || Server::new("language", "1").tools(tools![finds, mixes, perhaps, grows, any, object]);
    let described = server().build().await.unwrap().describe();
    let tools = serde_json::to_value(&described.tools).unwrap();
    let mcp = serve(server()).await;
    for (name, arguments, expected) in [
        ("finds", json!({ "kind": 0 }), json!({ "kind": "nothing" })),
        ("finds", json!({ "kind": 1 }), json!({ "kind": "one", "name": "a" })),
        ("finds", json!({ "kind": 2 }), json!({ "kind": "many", "names": ["a"] })),
        ("mixes", json!({ "kind": 0 }), json!({ "result": "Word" })),
        ("mixes", json!({ "kind": 1 }), json!({ "result": { "Pair": [1, 2] } })),
        ("mixes", json!({ "kind": 2 }), json!({ "result": { "Named": { "result": 3 } } })),
        ("perhaps", json!({ "found": false }), json!({ "result": null })),
        (
            "perhaps",
            json!({ "found": true }),
            json!({ "result": { "name": "a", "children": [{ "name": "b", "children": [] }] } }),
        ),
        ("grows", json!({}), json!({ "result": [1] })),
        ("any", json!({}), json!({ "result": { "a": 1 } })),
        ("object", json!({}), json!({ "one": 1 })),
    ] {
        let answer = post_call(&mcp, name, &arguments.to_string()).await;
        let structured = &answer["result"]["structuredContent"];
        assert_eq!(*structured, expected, "{name} {arguments}");
        let schema = &definition(&tools, name)["outputSchema"];
        assert_eq!(schema["type"], "object", "{schema}");
        let wraps = schema["required"] == json!(["result"]);
        assert_eq!(wraps, expected.get("result").is_some(), "{name}: {schema}");
    }
    // What refers to itself still does where it is wrapped.
    let schema = &definition(&tools, "grows")["outputSchema"];
    assert_eq!(schema["properties"]["result"], json!({ "$ref": "#/$defs/Tree" }), "{schema}");
    let branch = &schema["$defs"]["Tree"]["anyOf"][1]["items"];
    assert_eq!(*branch, json!({ "$ref": "#/$defs/Tree" }), "{schema}");
}

#[tokio::test]
async fn the_schema_says_all_that_is_checked() {
    let server = Server::new("language", "1").tools(tools![takes_everything, object, constant]);
    let description = server.build().await.unwrap().describe();
    let tools = serde_json::to_value(&description.tools).unwrap();
    let everything = definition(&tools, "everything");
    assert_eq!(
        everything["description"],
        "Takes everything that an argument may be.\n\nAt length."
    );
    assert_eq!(everything["title"], "Everything");
    assert_eq!(everything["annotations"]["idempotentHint"], true);
    assert_eq!(everything["annotations"]["openWorldHint"], false);
    assert_eq!(everything["icons"][0]["src"], "https://example.com/icon.png");
    assert_eq!(everything["_meta"], json!({ "team": "compass", "level": 3 }));
    assert_eq!(definition(&tools, "constant")["annotations"]["readOnlyHint"], true);

    let schema = &everything["inputSchema"];
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["type", "tags", "order"]));
    let properties = &schema["properties"];
    assert_eq!(properties["level"]["enum"], json!(["low", "high"]));
    assert_eq!(properties["level"]["default"], "low");
    assert_eq!(properties["word"]["pattern"], "^[a-z]+$");
    assert_eq!(properties["word"]["examples"], json!(["abc"]));
    assert_eq!(properties["tags"]["minItems"], 1);
    assert_eq!(properties["tags"]["maxItems"], 2);
    assert_eq!(properties["angle"]["minimum"], -1.5);
    assert_eq!(properties["count"]["minimum"], 1);
    assert_eq!(properties["from"]["description"], "Where it begins.");
    let names: Vec<_> = properties.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 9, "{names:?}");
    assert_eq!(definition(&tools, "object")["outputSchema"]["type"], "object");
}

#[tokio::test]
async fn arguments_of_every_kind_arrive() {
    let mcp = start().await;
    let least = r#"{"type":"t","tags":["a"],"order":"ascending"}"#;
    let answer = post_call(&mcp, "everything", least).await;
    assert_eq!(text_of(&answer), r#"t low None ["a"] 0 None None None Ascending"#, "{answer}");
    let most = r#"{"type":"t","level":"high","word":"abc","tags":["a","b"],"angle":-1,"count":2,"match":true,"from":7,"order":"descending"}"#;
    let answer = post_call(&mcp, "everything", most).await;
    assert_eq!(
        text_of(&answer),
        r#"t high Some("abc") ["a", "b"] -1 Some(2) Some(true) Some(7) Descending"#
    );
    let answer = post_call(&mcp, "injected", r#"{"injected":"x","call":3}"#).await;
    assert_eq!(text_of(&answer), "true local false x 3");
}

#[tokio::test]
async fn every_rule_is_kept_and_named() {
    let mcp = start().await;
    for (change, expected) in [
        (r#""level":"middle""#, "`level`: must be one of `low`, `high`"),
        (r#""word":"A1""#, "`word`: must match the pattern `^[a-z]+$`"),
        (r#""angle":1.6"#, "`angle`: must be -1.5 to 1.5"),
        (r#""count":0"#, "`count`: must be at least 1"),
        (r#""ordre":1"#, "did you mean `order`?"),
        (r#""order":"sideways""#, "`order`"),
        (r#""from":"x""#, "`from`: must be u32, it is a string"),
    ] {
        let order = if change.contains("\"order\"") { "" } else { r#","order":"ascending""# };
        let arguments = format!(r#"{{"type":"t","tags":["a"]{order},{change}}}"#);
        let text = text_of(&post_call(&mcp, "everything", &arguments).await);
        assert!(text.contains(expected), "{arguments}: {text}");
        assert!(!text.contains("sideways"), "a value is not repeated: {text}");
    }
    let none = post_call(&mcp, "everything", r#"{"type":"t","tags":[],"order":"ascending"}"#).await;
    assert!(text_of(&none).contains("`tags`: must have 1 to 2 items, it has 0"), "{none}");
    let element = r#"{"type":"t","tags":["a",2],"order":"ascending"}"#;
    let text = text_of(&post_call(&mcp, "everything", element).await);
    assert!(text.contains("`tags[1]`: must be a string, it is an integer"), "{text}");
}

#[tokio::test]
async fn results_of_every_kind_are_sent() {
    let mcp = start().await;
    let result = async |name: &str| post_call(&mcp, name, "{}").await["result"].clone();
    assert_eq!(result("nothing").await["content"], json!([]));
    assert_eq!(result("constant").await["content"][0]["text"], "a constant");
    let image = &result("image").await["content"][0];
    assert_eq!((&image["type"], &image["data"]), (&json!("image"), &json!("AQID")));
    assert_eq!(result("link").await["content"][0]["uri"], "test://a");
    assert_eq!(result("object").await["structuredContent"], json!({ "one": 1 }));
    assert_eq!(result("raw").await["content"][0]["text"], "raw");

    let fails = result("fails").await;
    assert_eq!(fails["isError"], true);
    assert!(fails["content"][0]["text"].as_str().unwrap().starts_with("there is no such month"));
    let breaks = result("breaks").await;
    assert_eq!(breaks["isError"], true);
    let text = breaks["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("the server failed") && !text.contains("digit"), "{text}");
}

#[tokio::test]
async fn a_server_that_lacks_what_a_tool_needs_does_not_start() {
    let fault = Server::new("language", "1")
        .tools(tools![injected, integration::tools::list_issues])
        .tools(tools![injected])
        .build()
        .await
        .unwrap_err()
        .to_string();
    assert!(fault.contains("two tools are named `injected`"), "{fault}");
    let fault = Server::new("language", "1")
        .tools(tools![injected, integration::tools::list_issues])
        .store(toolgate::grant::MemoryStore::new())
        .build()
        .await
        .unwrap_err()
        .to_string();
    assert!(fault.contains("the tool `injected` needs a state of type"), "{fault}");
    assert!(fault.contains("the tool `list_issues` needs the provider `Forge`"), "{fault}");
    assert!(fault.contains("add `.provider(Forge::from_env()?)`"), "{fault}");
}

#[tokio::test]
async fn a_tool_is_still_a_function() {
    let forge = AuthedClient::testing_with(|request| {
        assert_eq!(request.uri().path(), "/api/repos/alice/a%2Fb");
        assert_eq!(request.headers()["authorization"], "Bearer test-token");
        let mut response = http_response();
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        response
    });
    let done = integration::tools::delete_repository(forge, "alice".into(), "a/b".into()).await;
    done.unwrap();
}

fn http_response() -> http::Response<toolgate::client::Bytes> {
    http::Response::new(toolgate::client::Bytes::new())
}

/// The rights of this server's own tokens.
#[catalogue]
enum Desk {
    /// Sees tickets.
    #[scope("tickets:read", access = read)]
    Read,
    /// Answers tickets.
    #[scope("tickets:answer", access = write, implies(Read))]
    Answer,
    /// Deletes tickets.
    #[scope("tickets:delete", access = destructive)]
    Delete,
}

/// Lists tickets.
#[tool(scopes = "tickets:read")]
async fn list_tickets(caller: Caller<Desk>) -> String {
    caller.subject().to_owned()
}

/// Answers a ticket.
#[tool(scopes = "tickets:answer")]
async fn answer_ticket(_caller: Caller<Desk>) {}

/// Deletes a ticket.
#[tool(scopes(caller = "tickets:read tickets:delete"), read_only = false)]
async fn delete_ticket(caller: &Caller<Desk>) {
    let _ = caller;
}

/// Says who calls.
#[tool]
async fn who(caller: Caller) -> String {
    caller.subject().to_owned()
}

#[tokio::test]
async fn what_a_tool_changes_follows_from_the_callers_scopes_too() {
    let tools = tools![list_tickets, answer_ticket, delete_ticket, who];
    let gate = Gate::new(Issuer::new().verifier()).resource(RESOURCE);
    let server = Server::new("language", "1").tools(tools).gate(gate);
    let description = server.build().await.unwrap().describe();
    let tools = serde_json::to_value(&description.tools).unwrap();
    for (name, read_only, destructive) in [
        ("list_tickets", json!(true), json!(false)),
        ("answer_ticket", json!(false), json!(false)),
        ("delete_ticket", json!(false), json!(true)),
        ("who", json!(null), json!(null)),
    ] {
        let annotations = &definition(&tools, name)["annotations"];
        let hints = (&annotations["readOnlyHint"], &annotations["destructiveHint"]);
        assert_eq!(hints, (&read_only, &destructive), "{name}");
    }
}
