//! The fast path cannot be told from rmcp: it gives the same answer to every request.

mod sequences;
mod sessions;

use integration::two_ways::{Came, Sent, TwoWays};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use rmcp::ServerHandler;

const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;

/// What may stand where an identifier does.
const IDS: &[&str] = &[
    "1",
    "0",
    "-1",
    "-0",
    "\"a\"",
    "\"\"",
    r#""\u0041\n""#,
    r#""\ud800""#,
    "\"é\"",
    "1.0",
    "1e2",
    "007",
    "99999999999999999999",
    "999999999999999",
    "9223372036854775807",
    "null",
    "true",
    "[]",
    "{}",
];

const ARGUMENTS: &[&str] = &[
    r#"{"a":1,"b":2}"#,
    r#"{ "a" : 1 }"#,
    r#"{"a":1,"a":2}"#,
    r#"{"\u0061":1}"#,
    r#"{"a":1,"\u0061":2}"#,
    r#"{"a":"1"}"#,
    r#"{"a":1.0}"#,
    r#"{"a":1e400}"#,
    r#"{"a":-0}"#,
    r#"{"a":18446744073709551616}"#,
    r#"{"a":1,"b":1001}"#,
    r#"{"a":1,"b":null}"#,
    r#"{"A":1}"#,
    r#"{"a":1,"unknown":[]}"#,
    r#"{"a":1,"":0}"#,
    "{}",
    "null",
    "[]",
    "\"{}\"",
    "1",
    "true",
    r#"{"a":1,}"#,
    r#"{"a":01}"#,
    r#"{"text":"hello"}"#,
    r#"{"text":"\ud83d\ude00\u0000"}"#,
    r#"{"text":"\ud83d"}"#,
    r#"{"text":"t","rest":[{"a":[1,{"b":null}]}]}"#,
    r#"{"text":"t","rest":[{"a":1,"a":2}]}"#,
    r#"{"text":"t","rest":[1]}"#,
    r#"{"text":{"text":"t"}}"#,
    r#"{"why":"no"}"#,
    r#"{"why":"panic"}"#,
    r#"{"why":"inside"}"#,
    r#"{"to":3}"#,
    r#"{"to":256}"#,
];

const METAS: &[&str] = &[
    META,
    "",
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#,
    r#""io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":5,"io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026\u002d07-28","io.modelcontextprotocol/clientCapabilities":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":null"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}},"x":1}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":5}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"p""#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":null"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":{}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"info""#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":5"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"a":1,"a":2"#,
    // A member that is ignored has to be JSON all the same, for both readers.
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"a":"\ud800""#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"\ud800":1"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"a":[{"b":1e400}]"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"x":"\ud800"}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"x":1e400}"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}"#,
];

/// Around the parameters: `ID` and `PARAMS` stand for themselves.
const MESSAGES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS}"#,
    r#"{"params":PARAMS,"method":"tools/call","id":ID,"jsonrpc":"2.0"}"#,
    r#" {"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS} "#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools\/call","params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","method":"tools/call","params":PARAMS}"#,
    r#"{"jsonrpc":"1.0","id":ID,"method":"tools/call","params":PARAMS}"#,
    r#"{"id":ID,"method":"tools/call","params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS,"more":1}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS,"more":"\ud800"}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS,"more":[1e400]}"#,
    r#"{"jsonrpc":"2.0","id":ID,"id":ID,"method":"tools/call","params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS,"params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","result":{},"params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/list","params":PARAMS}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call"}"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":[PARAMS]}"#,
    r#"[{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS}]"#,
    r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":PARAMS}x"#,
    "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":ID,\"method\":\"tools/call\",\"params\":PARAMS}",
];

/// Inside the parameters.
const PARAMS: &[&str] = &[
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META}}"#,
    r#"{"_meta":{META},"arguments":ARGUMENTS,"name":NAME}"#,
    r#"{"name":NAME,"_meta":{META}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":null}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":[]}"#,
    r#"{"arguments":ARGUMENTS,"_meta":{META}}"#,
    r#"{"name":NAME,"name":NAME,"arguments":ARGUMENTS,"_meta":{META}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"arguments":{},"_meta":{META}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"_meta":{META}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"task":{"ttl":1}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"more":{"a":"\ud800"}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"uri":1e400}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"inputResponses":{}}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"requestState":"s"}"#,
    r#"{"name":NAME,"arguments":ARGUMENTS,"_meta":{META},"requestState":null}"#,
    r#"{"name":5,"arguments":ARGUMENTS,"_meta":{META}}"#,
];

/// How a tool is named in the body; `T` is its name.
const NAMES: &[&str] =
    &["\"T\"", r#""\u0000T""#, "\"t\"", "\"nobody\"", "\"\"", "\"T \"", "\"add\"", "\"count\""];

const TOOLS: &[&str] = &["add", "echo", "fail", "count"];

/// Headers, and what else may stand in them.
const HEADERS: &[(&str, &[&str])] = &[
    ("accept", &["application/json", "*/*", "", "text/event-stream;q=0.5, application/json"]),
    ("content-type", &["application/json; charset=utf-8", "text/plain", "", "APPLICATION/JSON"]),
    ("mcp-protocol-version", &["2025-11-25", "2026-07-29", "", " 2026-07-28", "nonsense"]),
    ("mcp-method", &["tools/list", "", "Tools/Call"]),
    ("mcp-name", &["nobody", "", "=?base64?YWRk?=", "ADD"]),
    ("host", &["evil.example", "", "localhost"]),
    ("authorization", &["Bearer x", "Basic eA==", "", "Bearer"]),
    ("content-encoding", &["gzip", "identity", ""]),
    ("mcp-session-id", &["a", ""]),
    ("origin", &["https://evil.example", "null", ""]),
    ("mcp-param-a", &["1", ""]),
    ("x-unknown", &["1"]),
];

/// What is done to a header.
#[derive(Clone, Copy, Debug)]
enum Change {
    Missing,
    Twice,
    Other(&'static str),
    NoText,
}

fn change(sent: &mut Sent, header: &'static str, change: Change) {
    let there = sent.headers.iter().position(|(name, _)| *name == header);
    let value = there.map_or_else(Vec::new, |at| sent.headers[at].1.clone());
    match change {
        Change::Missing => sent.headers.retain(|(name, _)| *name != header),
        Change::Twice => sent.headers.push((header, value)),
        Change::Other(other) => {
            sent.headers.retain(|(name, _)| *name != header);
            sent.headers.push((header, other.as_bytes().to_vec()));
        }
        Change::NoText => {
            sent.headers.retain(|(name, _)| *name != header);
            sent.headers.push((header, b"\xff\xfe".to_vec()));
        }
    }
}

fn changes() -> Vec<(&'static str, Change)> {
    let mut all = Vec::new();
    for (header, others) in HEADERS {
        all.extend(
            [Change::Missing, Change::Twice, Change::NoText].map(|change| (*header, change)),
        );
        all.extend(others.iter().map(|other| (*header, Change::Other(other))));
    }
    all
}

/// One request of the many that can be put together.
#[derive(Clone, Debug)]
struct Mixture {
    tool: &'static str,
    parts: [&'static str; 6],
    scopes: &'static str,
    changes: Vec<(&'static str, Change)>,
}

impl Mixture {
    fn body(&self) -> Vec<u8> {
        let [message, params, id, name, arguments, meta] = self.parts;
        let params = params
            .replace("NAME", &name.replace('T', self.tool))
            .replace("ARGUMENTS", arguments)
            .replace("META", meta);
        message.replace("ID", id).replace("PARAMS", &params).into_bytes()
    }

    fn sent<H: ServerHandler>(&self, ways: &TwoWays<H>) -> Sent {
        let mut sent = Sent::call(self.tool, "{}", &ways.token(self.scopes));
        sent.body = self.body();
        for (header, what) in &self.changes {
            change(&mut sent, header, *what);
        }
        sent
    }
}

/// Mostly sound: a request with two faults says no more than one with the first of them.
fn mixture() -> impl Strategy<Value = Mixture> {
    let part = |all: &'static [&'static str]| prop_oneof![2 => Just(all[0]), 1 => select(all)];
    let parts =
        (part(MESSAGES), part(PARAMS), part(IDS), part(NAMES), select(ARGUMENTS), part(METAS));
    let changes = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(select(changes()), 1..3),
    ];
    let scopes = select(&["desk:read desk:write", "desk:write", "desk:read", ""][..]);
    (select(TOOLS), parts, scopes, changes).prop_map(|(tool, parts, scopes, changes)| {
        let (message, params, id, name, arguments, meta) = parts;
        Mixture { tool, parts: [message, params, id, name, arguments, meta], scopes, changes }
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends a call of `tool` with each fault by itself, and says how many of them HTTP could carry.
async fn each_fault<H: ServerHandler>(
    ways: &TwoWays<H>,
    tool: &'static str,
    arguments: &'static [&'static str],
) -> usize {
    let sound = [MESSAGES[0], PARAMS[0], IDS[0], NAMES[0], arguments[0], METAS[0]];
    let lists = [MESSAGES, PARAMS, IDS, NAMES, arguments, METAS];
    let scopes = "desk:write";
    let mut answered = 0;
    for (place, list) in lists.iter().enumerate() {
        for part in *list {
            let mut parts = sound;
            parts[place] = part;
            let mixture = Mixture { tool, parts, scopes, changes: Vec::new() };
            answered += usize::from(ways.send(&mixture.sent(ways)).await.is_some());
        }
    }
    for change in changes() {
        let mixture = Mixture { tool, parts: sound, scopes, changes: vec![change] };
        answered += usize::from(ways.send(&mixture.sent(ways)).await.is_some());
    }
    answered
}

#[test]
fn every_fault_by_itself() {
    runtime().block_on(async {
        let ways = TwoWays::new().await;
        let mut answered = 0;
        for tool in TOOLS {
            answered += each_fault(&ways, tool, ARGUMENTS).await;
        }
        assert!(answered > 600, "{answered}");
    });
}

#[test]
fn many_faults_at_once() {
    let runtime = runtime();
    let ways = runtime.block_on(TwoWays::new());
    TestRunner::default()
        .run(&mixture(), |mixture| {
            runtime.block_on(ways.send(&mixture.sent(&ways)));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn what_is_deep_or_long_is_answered_alike() {
    let ways = TwoWays::new().await;
    let token = ways.token("desk:read");
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [10, 100, 120, 125, 126, 127, 128, 129, 1000] {
        let arguments = format!(r#"{{"text":"t","rest":[{{"a":{}}}]}}"#, deep(depth));
        ways.send(&Sent::call("echo", &arguments, &token)).await.unwrap();
    }
    for depth in [100, 120, 123, 124, 125, 126, 127, 128, 129, 1000] {
        for (sound, place) in [
            (Sent::call("add", r#"{"a":1}"#, &token), r#""_meta":{"#),
            (Sent::list(&token), r#""_meta":{"#),
            (Sent::call("add", r#"{"a":1}"#, &token), r#""params":{"#),
            (Sent::call("add", r#"{"a":1}"#, &token), r#"Capabilities":{"#),
        ] {
            let mut sent = sound;
            let body = String::from_utf8(sent.body).unwrap();
            let comma = if place.starts_with("Cap") { "" } else { "," };
            let deeper = format!(r#"{place}"deep":{}{comma}"#, deep(depth));
            sent.body = body.replace(place, &deeper).into_bytes();
            // Once more, for lists are remembered.
            ways.send(&sent).await.unwrap();
            ways.send(&sent).await.unwrap();
        }
    }
    for length in [1, 1000, 70_000, 1 << 20] {
        let arguments = format!(r#"{{"text":"{}"}}"#, "x".repeat(length));
        ways.send(&Sent::call("echo", &arguments, &token)).await.unwrap();
    }
}

#[test]
fn a_handler_beside_that_is_quiet_is_called_alike() {
    const ARGUMENTS: &[&str] = &[
        r#"{"a":1,"b":[{"c":null}]}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"\u0061":"\ud83d\ude00"}"#,
        r#"{"a":1e400}"#,
        r#"{"a":"\ud83d"}"#,
        r#"{"why":"no"}"#,
        r#"{"why":"header"}"#,
        r#"{"why":"method"}"#,
        r#"{"why":"panic"}"#,
        "{}",
        "null",
        "[]",
        "1",
    ];
    runtime().block_on(async {
        let ways = TwoWays::with_fallback().await;
        for tool in ["say", "marked", "add", "nobody"] {
            each_fault(&ways, tool, ARGUMENTS).await;
        }
        let said = Sent::call("say", r#"{"a":1}"#, &ways.token(""));
        let said = ways.send(&said).await.unwrap().json.unwrap();
        let said = &said["result"]["structuredContent"];
        assert_eq!((&said["name"], &said["arguments"]["a"]), (&"say".into(), &1.into()));
        let headers = said["headers"].as_array().unwrap();
        assert!(!headers.is_empty() && !headers.contains(&"authorization".into()), "{headers:?}");
    });
}

/// Where nothing is unusual about them, they are answered from what was said before.
#[tokio::test]
async fn lists_are_answered_alike() {
    let (open, hiding) = (TwoWays::new().await, TwoWays::hiding().await);
    let names = |came: &Came| -> Vec<String> {
        let tools = came.json.as_ref().unwrap()["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    // Twice, so that the second answer may come from a cache.
    for _ in 0..2 {
        for scopes in ["", "desk:read", "desk:write", "desk:read desk:write"] {
            let came = open.send(&Sent::list(&open.token(scopes))).await.unwrap();
            assert_eq!(names(&came), ["add", "echo", "fail", "count"]);
            let came = hiding.send(&Sent::list(&hiding.token(scopes))).await.unwrap();
            let seen: &[&str] = match scopes {
                "" => &["add", "count"],
                "desk:read" => &["add", "echo", "count"],
                _ => &["add", "echo", "fail", "count"],
            };
            assert_eq!(names(&came), seen, "{scopes}");
        }
        let mut stranger = Sent::list("");
        change(&mut stranger, "authorization", Change::Missing);
        assert_eq!(names(&hiding.send(&stranger).await.unwrap()), ["add", "count"]);
    }
    let token = hiding.token("desk:read");
    for change_of in changes() {
        let mut sent = Sent::list(&token);
        change(&mut sent, change_of.0, change_of.1);
        hiding.send(&sent).await;
    }
    let params = [
        "{}",
        "[]",
        "null",
        "5",
        "\"\"",
        r#"{"_meta":{META}}"#,
        r#"{"cursor":"c","_meta":{META}}"#,
        r#"{"cursor":null,"_meta":{META}}"#,
        r#"{"name":"add","_meta":{META}}"#,
        r#"{"_meta":{META},"more":[]}"#,
    ];
    for (params, meta) in params
        .map(|params| (params, META))
        .into_iter()
        .chain(METAS.iter().map(|meta| (r#"{"_meta":{META}}"#, *meta)))
    {
        for message in MESSAGES {
            let mut sent = Sent::list(&token);
            let message = message.replace("tools/call", "tools/list").replace("ID", "1");
            sent.body = message.replace("PARAMS", &params.replace("META", meta)).into_bytes();
            hiding.send(&sent).await;
        }
    }
}

/// The fast path is taken at all: rmcp sends progress notifications, and the fast path cannot.
#[tokio::test]
async fn both_ways_work() {
    let ways = TwoWays::new().await;
    let called = async |tool, arguments, scopes| -> Came {
        ways.send(&Sent::call(tool, arguments, &ways.token(scopes))).await.unwrap()
    };
    let sum = called("add", r#"{"a":2}"#, "").await.json.unwrap();
    assert_eq!(sum["result"]["structuredContent"]["result"], 3);
    let said = called("echo", r#"{"text":"hello"}"#, "desk:write").await.json.unwrap();
    assert_eq!(said["result"]["content"][0]["text"], "alice: hello None");
    assert_eq!(called("echo", r#"{"text":"hello"}"#, "").await.status, 403);
    let panicked = called("fail", r#"{"why":"panic"}"#, "desk:write").await.json.unwrap();
    assert_eq!(panicked["result"]["isError"], true);
}
