//! In a session of a client of 2025, too, the fast path cannot be told from rmcp.

use integration::{
    session::{
        Both, Client, ITS_SESSION_IN_ANOTHER_CASE, REVISIONS, compare, initialize, notification,
        request,
    },
    two_ways::{Sent, TwoWays},
};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use rmcp::ServerHandler;
use serde_json::{Value, json};

use super::{
    ARGUMENTS, IDS, MESSAGES, METAS, Mixture, NAMES, PARAMS, TOOLS, change, changes, mixture,
    runtime,
};

/// What the parameters of a call in a session have more: nothing, at first.
const METAS_OF_2025: &[&str] = &[
    "",
    r#""progressToken":"p""#,
    r#""progressToken":1"#,
    r#""progressToken":null"#,
    r#""progressToken":1.5"#,
    r#""progressToken":{}"#,
    r#""io.modelcontextprotocol/logLevel":"info""#,
    r#""io.modelcontextprotocol/logLevel":5"#,
    r#""a":1,"a":2"#,
    r#""a":"\ud800""#,
    r#""a":[1e400]"#,
    r#""io.modelcontextprotocol/related-task":{"taskId":"t"}"#,
    r#""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01""#,
];

/// Requests other than calls: methods and parameters.
const REQUESTS: &[(&str, &str)] = &[
    ("ping", "{}"),
    ("ping", "null"),
    ("ping", "[]"),
    ("ping", r#"{"_meta":{"progressToken":"p"}}"#),
    ("ping", r#"{"more":1}"#),
    ("Ping", "{}"),
    ("tools/list", "{}"),
    ("tools/list", "null"),
    ("tools/list", "[]"),
    ("tools/list", r#"{"cursor":"c"}"#),
    ("tools/list", r#"{"cursor":null}"#),
    ("tools/list", r#"{"cursor":5}"#),
    ("tools/list", r#"{"_meta":{"progressToken":"p"}}"#),
    ("tools/list", r#"{"_meta":5}"#),
    ("tools/list", r#"{"name":"add"}"#),
    ("resources/list", "{}"),
    ("resources/list", r#"{"cursor":"c"}"#),
    ("resources/templates/list", "{}"),
    ("resources/read", r#"{"uri":"ui://nothing"}"#),
    ("resources/read", "{}"),
    ("resources/subscribe", r#"{"uri":"ui://nothing"}"#),
    ("resources/unsubscribe", r#"{"uri":"ui://nothing"}"#),
    ("prompts/list", "{}"),
    ("prompts/get", r#"{"name":"none"}"#),
    ("logging/setLevel", r#"{"level":"info"}"#),
    ("logging/setLevel", r#"{"level":"loud"}"#),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"n"},"argument":{"name":"a","value":"v"}}"#,
    ),
    ("completion/complete", "{}"),
    ("tasks/get", r#"{"taskId":"t"}"#),
    ("tasks/list", "{}"),
    ("server/discover", "{}"),
    ("subscriptions/listen", r#"{"notifications":{}}"#),
    ("tools/unknown", "{}"),
    ("unknown", r#"{"a":[1]}"#),
    ("", "{}"),
    ("roots/list", "{}"),
    ("sampling/createMessage", "{}"),
    ("notifications/initialized", "{}"),
    ("notifications/cancelled", r#"{"requestId":1}"#),
];

const NOTIFICATIONS: &[(&str, &str)] = &[
    ("notifications/initialized", "{}"),
    ("notifications/initialized", "null"),
    ("notifications/initialized", "[]"),
    ("notifications/initialized", r#"{"_meta":{"a":1}}"#),
    ("notifications/cancelled", r#"{"requestId":1}"#),
    ("notifications/cancelled", r#"{"requestId":"none","reason":"changed my mind"}"#),
    ("notifications/cancelled", r#"{"requestId":null}"#),
    ("notifications/cancelled", r#"{"requestId":1.5}"#),
    ("notifications/cancelled", r#"{"requestId":[]}"#),
    ("notifications/cancelled", "{}"),
    ("notifications/cancelled", "null"),
    ("notifications/progress", r#"{"progressToken":"p","progress":1}"#),
    ("notifications/progress", "{}"),
    ("notifications/roots/list_changed", "{}"),
    ("notifications/elicitation/complete", r#"{"elicitationId":"e"}"#),
    ("notifications/message", r#"{"level":"info","data":1}"#),
    ("notifications/unknown", r#"{"a":1}"#),
    ("notifications/", "{}"),
    ("tools/list", "{}"),
    ("tools/call", r#"{"name":"add","arguments":{"a":1}}"#),
    ("ping", "{}"),
    ("unknown", "{}"),
];

/// Messages that are neither requests nor notifications, or are badly made.
const OTHERS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":"one","result":{"a":1}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":5}"#,
    r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
    r#"{"jsonrpc":"2.0","result":{}}"#,
    r#"{"jsonrpc":"2.0","id":1}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
    r#"{"jsonrpc":"2.0","method":null}"#,
    r#"{"jsonrpc":"1.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
    r#"{"id":1,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"pi\u006eg"}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"ping","more":"\ud800"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized","more":[1e400]}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}]"#,
    r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#,
    "[]",
    "{}",
    "null",
    "5",
    "\"\"",
    "",
    " ",
    "{",
    "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
];

/// Values of the headers that only sessions have.
const SESSION_HEADERS: &[(&str, &[&str])] = &[
    (
        "mcp-protocol-version",
        &[
            "2025-11-25",
            "2025-06-18",
            "2025-03-26",
            "2024-11-05",
            "2026-07-28",
            "2099-01-01",
            "",
            " 2025-11-25",
            "nonsense",
        ],
    ),
    (
        "mcp-session-id",
        &["", "a", ITS_SESSION_IN_ANOTHER_CASE, "00000000-0000-0000-0000-000000000000"],
    ),
    ("last-event-id", &["0", "1/0", ""]),
    ("accept", &["text/event-stream", "application/json", "*/*", "text/html"]),
];

fn body(id: &str, (method, params): (&str, &str)) -> Vec<u8> {
    let params = if params == "null" { String::new() } else { format!(r#","params":{params}"#) };
    format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}"{params}}}"#).into_bytes()
}

/// Sends a call of `tool` with each fault by itself, in one session.
async fn each_fault<H: ServerHandler>(ways: &TwoWays<H>, tool: &'static str, both: &Both<'_, H>) {
    let sound = [MESSAGES[0], PARAMS[0], IDS[0], NAMES[0], ARGUMENTS[0], METAS_OF_2025[0]];
    let lists = [MESSAGES, PARAMS, IDS, NAMES, ARGUMENTS, METAS_OF_2025];
    let metas = METAS.iter().map(|meta| (5, *meta));
    let faults = lists.iter().enumerate();
    let faults = faults.flat_map(|(place, list)| list.iter().map(move |part| (place, *part)));
    for (place, part) in faults.chain(metas) {
        let mut parts = sound;
        parts[place] = part;
        let mixture = Mixture { tool, parts, scopes: "desk:write", changes: Vec::new() };
        both.send(&in_session(&mixture, ways, both)).await;
    }
    for change in changes() {
        let mixture = Mixture { tool, parts: sound, scopes: "desk:write", changes: vec![change] };
        both.send(&in_session(&mixture, ways, both)).await;
    }
}

/// The request, with the headers of a session.
fn in_session<H: ServerHandler>(mixture: &Mixture, ways: &TwoWays<H>, both: &Both<'_, H>) -> Sent {
    let mut sent = both.sent(mixture.body());
    let token = ways.token(mixture.scopes).into_bytes();
    sent.headers.retain(|(name, _)| *name != "authorization");
    sent.headers.push(("authorization", token));
    for (header, what) in &mixture.changes {
        change(&mut sent, header, *what);
    }
    sent
}

#[test]
fn every_fault_of_a_call() {
    runtime().block_on(async {
        let ways = TwoWays::new().await;
        for revision in REVISIONS {
            // The revisions differ in what comes before the tool.
            let tools = if revision == REVISIONS[0] { TOOLS } else { &TOOLS[..1] };
            for tool in tools {
                let both = Both::begin(&ways, revision, &ways.token("desk:write")).await;
                each_fault(&ways, tool, &both).await;
            }
        }
    });
}

#[test]
fn every_fault_of_a_call_beside_a_fallback_handler() {
    runtime().block_on(async {
        let ways = TwoWays::with_fallback().await;
        let both = Both::begin(&ways, REVISIONS[0], &ways.token("desk:write")).await;
        for tool in ["say", "marked"] {
            each_fault(&ways, tool, &both).await;
        }
        others(&ways, REVISIONS[0]).await;
    });
}

#[test]
fn many_faults_of_a_call() {
    let runtime = runtime();
    let ways = runtime.block_on(TwoWays::new());
    let sessions = runtime.block_on(async {
        let mut sessions = Vec::new();
        for revision in REVISIONS {
            let token = ways.token("desk:write");
            sessions.push(Both::begin(&ways, revision, &token).await);
        }
        sessions
    });
    let metas = prop_oneof![4 => select(METAS_OF_2025), 1 => select(METAS)];
    TestRunner::default()
        .run(&(mixture(), metas, 0..REVISIONS.len()), |(mut mixture, meta, session)| {
            mixture.parts[5] = meta;
            let both = &sessions[session];
            runtime.block_on(both.send(&in_session(&mixture, &ways, both)));
            Ok(())
        })
        .unwrap();
}

/// Everything but calls, each in a session of its own.
async fn others<H: ServerHandler>(ways: &TwoWays<H>, revision: &'static str) {
    let token = ways.token("desk:read");
    let mut bodies: Vec<Vec<u8>> = OTHERS.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend(REQUESTS.iter().map(|request| body(r#""id":1,"#, *request)));
    bodies.extend(NOTIFICATIONS.iter().map(|notification| body("", *notification)));
    bodies.extend(IDS.iter().map(|id| body(&format!(r#""id":{id},"#), ("ping", "{}"))));
    bodies.extend(IDS.iter().map(|id| body(&format!(r#""id":{id},"#), ("tools/list", "{}"))));
    for body in bodies {
        let both = Both::begin(ways, revision, &token).await;
        both.send(&both.sent(body)).await.unwrap();
        // The session goes on.
        let listed = both.send(&both.sent(request("after", "tools/list", &json!({})))).await;
        assert_eq!(listed.unwrap().status, 200);
    }
}

#[test]
fn everything_but_calls() {
    runtime().block_on(async {
        let ways = TwoWays::new().await;
        for revision in REVISIONS {
            others(&ways, revision).await;
        }
    });
}

#[test]
fn every_header_of_every_kind_of_message() {
    runtime().block_on(async {
        let ways = TwoWays::new().await;
        let token = ways.token("desk:read");
        let add = json!({ "name": "add", "arguments": { "a": 1 } });
        let bodies = [
            request(1, "tools/call", &add),
            request(1, "tools/list", &json!({})),
            request(1, "ping", &json!({})),
            notification("notifications/initialized", &json!({})),
            notification("notifications/cancelled", &json!({ "requestId": 7 })),
        ];
        for revision in REVISIONS {
            let both = Both::begin(&ways, revision, &token).await;
            for body in &bodies {
                for (header, values) in SESSION_HEADERS {
                    for value in *values {
                        let mut sent = both.sent(body.clone());
                        sent.headers.retain(|(name, _)| name != header);
                        sent.headers.push((*header, value.as_bytes().to_vec()));
                        both.send(&sent).await.unwrap();
                    }
                }
                for (header, what) in changes() {
                    let mut sent = both.sent(body.clone());
                    change(&mut sent, header, what);
                    both.send(&sent).await;
                }
            }
        }
    });
}

#[test]
fn every_beginning() {
    runtime().block_on(async {
        let ways = TwoWays::new().await;
        let token = ways.token("");
        let with = |name: &str, value: Value| {
            let mut params = initialize("2025-11-25");
            params[name] = value;
            params
        };
        let mut params: Vec<Value> = ["2024-11-05", "2026-07-28", "2099-01-01", "1", ""]
            .into_iter()
            .chain(REVISIONS)
            .map(initialize)
            .collect();
        params.extend([
            with("protocolVersion", json!(5)),
            with("capabilities", json!(null)),
            with("capabilities", json!([])),
            with("capabilities", json!({ "elicitation": {}, "sampling": {}, "roots": {} })),
            with("capabilities", json!({ "elicitation": { "url": {}, "form": {} } })),
            with("capabilities", json!({ "elicitation": 5 })),
            with("capabilities", json!({ "experimental": { "a": { "b": "c".repeat(5000) } } })),
            with("clientInfo", json!(null)),
            with("clientInfo", json!({ "name": "n" })),
            with("clientInfo", json!({ "name": "é\u{0}", "version": "" })),
            with("clientInfo", json!({ "name": "n".repeat(100_000), "version": "1" })),
            with("clientInfo", json!({
                "name": "n",
                "version": "1",
                "title": "t".repeat(2000),
                "description": "d".repeat(20_000),
                "websiteUrl": "https://client.example/".repeat(100),
                "icons": [{ "src": "https://client.example/icon.png", "mimeType": "image/png" }],
            })),
            with("_meta", json!({ "progressToken": "p" })),
            with("more", json!([1])),
            json!({}),
            json!([]),
        ]);
        for params in params {
            let begun = compare(&ways, async |service| {
                let sent =
                    integration::session::sent(None, &token, request(0, "initialize", &params));
                let begun = integration::session::ask(service, http::Method::POST, &sent, "");
                vec![begun.await.unwrap()]
            });
            let begun = begun.await.remove(0);
            if begun.session.is_none() {
                continue;
            }
            // Whatever it said of itself, it can call.
            let called = compare(&ways, async |service| {
                let client = Client::initialize(service, "2025-03-26", &token, &params).await;
                let told = client.notify("notifications/initialized", &json!({})).await;
                vec![told, client.call(1, "add", &json!({ "a": 2 })).await]
            });
            let called = called.await;
            assert_eq!(called[1].message()["result"]["structuredContent"]["result"], 3);
        }
    });
}
