//! Calls that need no account: arguments, results, errors of the protocol, both eras.

use forge::Config;
use integration::{
    client::{Era, connect, params, post_call, text, text_of},
    host::Host,
};
use serde_json::json;

#[tokio::test]
async fn both_eras_list_and_call_the_same_tools() {
    let host = Host::start(Config::default()).await;
    for era in [Era::Modern, Era::Legacy] {
        let client = connect(&host.mcp(), era, ()).await;
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "list_issues",
                "open_issue",
                "delete_repository",
                "echo",
                "follow",
                "hasty",
                "add",
                "panics",
                "count"
            ],
        );
        let hints = |name: &str| {
            let tool = tools.iter().find(|tool| tool.name == name).unwrap();
            let annotations = tool.annotations.clone().unwrap();
            (annotations.read_only_hint, annotations.destructive_hint)
        };
        assert_eq!(hints("list_issues"), (Some(true), Some(false)), "{era:?}");
        assert_eq!(hints("open_issue"), (Some(false), Some(false)));
        assert_eq!(hints("delete_repository"), (Some(false), Some(true)));
        assert_eq!(hints("add"), (None, None));

        let schema = &tools[0].input_schema;
        assert_eq!(schema["required"], json!(["owner", "repo"]));
        assert_eq!(schema["properties"]["limit"]["maximum"], 100);
        assert_eq!(schema["properties"]["limit"]["default"], 30);
        assert_eq!(schema["properties"]["owner"]["description"], "The owner.");

        let sum = client.call_tool(params("add", json!({ "a": 2, "b": 3 }))).await.unwrap();
        assert_eq!(text(&sum), "5");
        assert_eq!(sum.structured_content, Some(json!({ "result": 5 })));
        let server = client.peer_info().unwrap().server_info.clone().unwrap();
        assert_eq!((server.name.as_str(), server.version.as_str()), ("tests", "1.2.3"));
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn a_faulty_argument_is_named_with_its_rule() {
    let host = Host::start(Config::default()).await;
    for (name, arguments, expected) in [
        ("add", r#"{"a":1}"#, "`b` is missing"),
        ("add", r#"{"a":1,"b":"two"}"#, "`b`: must be i64, it is a string"),
        ("add", r#"{"a":1,"b":2.5}"#, "`b`: must be i64, it is a number with a fraction"),
        ("add", r#"{"a":1,"b":2,"c":3}"#, "there is no argument `c`"),
        ("count", r#"{"tu":1}"#, "did you mean `to`?"),
        ("add", r#"{"a":1,"a":2,"b":3}"#, "`a` is given twice"),
        ("list_issues", r#"{"owner":"a","repo":"b","limit":0}"#, "`limit`: must be 1 to 100"),
        ("list_issues", r#"{"owner":"a","repo":"b","limit":300}"#, "`limit`: must be u8"),
        (
            "open_issue",
            r#"{"owner":"a","repo":"b","title":""}"#,
            "`title`: must have 1 to 20 characters, it has 0",
        ),
    ] {
        let answer = post_call(&host.mcp(), name, arguments).await;
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = text_of(&answer);
        assert!(text.contains(expected), "{name} {arguments}: {text}");
    }
    assert_eq!(host.forge.counts().api.len(), 0, "nothing was asked of the upstream");
}

#[tokio::test]
async fn a_value_is_never_repeated_in_an_error() {
    let host = Host::start(Config::default()).await;
    for arguments in [r#"{"a":"hunter2","b":1}"#, r#"{"a":["hunter2"],"b":1}"#] {
        let answer = post_call(&host.mcp(), "add", arguments).await;
        assert!(!answer.to_string().contains("hunter2"), "{answer}");
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_call_works() {
    let host = Host::start(Config::default()).await;
    for era in [Era::Modern, Era::Legacy] {
        let client = connect(&host.mcp(), era, ()).await;
        let result =
            client.call_tool(params("panics", json!({ "secret": "hunter2" }))).await.unwrap();
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result).contains("the server failed"), "{}", text(&result));
        assert!(!text(&result).contains("ordered"), "the log knows why, the model does not");
        let sum = client.call_tool(params("add", json!({ "a": 1, "b": 1 }))).await.unwrap();
        assert_eq!(text(&sum), "2");
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_gets_its_code() {
    let host = Host::start(Config::default()).await;
    let answer = post_call(&host.mcp(), "nothing_of_the_kind", "{}").await;
    assert_eq!(answer["error"]["code"], -32602, "an unknown tool: {answer}");
    let answer = post_call(&host.mcp(), "add", "[1]").await;
    assert_eq!(answer["error"]["code"], -32602, "arguments that are no object: {answer}");

    let post = |body: &'static str| {
        let request = reqwest::Client::new()
            .post(host.mcp())
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        async move {
            let response = request.body(body).send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json::<serde_json::Value>().await.unwrap()["error"]["code"].clone())
        }
    };
    assert_eq!(post("{oops").await, (400, json!(-32700)));
    assert_eq!(post("[]").await, (400, json!(-32600)));
}

#[tokio::test]
async fn a_page_from_elsewhere_gets_nothing() {
    let host = Host::start(Config::default()).await;
    for (name, value) in [
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
        ("x-forwarded-for", "192.0.2.7"),
    ] {
        for path in ["/mcp", "/connect/x", "/callback/forge"] {
            let request =
                reqwest::Client::new().get(format!("{}{path}", host.url)).header(name, value);
            assert_eq!(request.send().await.unwrap().status(), 403, "{name} at {path}");
        }
    }
    let huge = vec![b' '; 5 << 20];
    let request =
        reqwest::Client::new().post(host.mcp()).header("content-type", "application/json");
    assert_eq!(request.body(huge).send().await.unwrap().status(), 413);
}
