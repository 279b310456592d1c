//! What the gate allows anonymous callers, and what it logs of every caller.

use integration::{
    host::serve,
    log::Log,
    waiting::{Room, wait},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
        ServerConfig,
    },
    service::RequestContext,
};
use serde_json::json;
use toolgate::{
    gate::Gate,
    prelude::*,
    testing::{Client, Issuer, RESOURCE},
    tools,
};
use tracing::Level;

/// Greets every caller.
#[tool]
async fn greet() -> &'static str {
    "hello"
}

/// Says who calls.
#[tool]
async fn who(caller: Caller) -> String {
    caller.subject().to_owned()
}

/// A fallback handler, with a tool that has no scopes.
struct ErasedHandler;

impl ServerHandler for ErasedHandler {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        info
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("ran {}", request.name))])
            .into())
    }
}

#[tokio::test]
async fn what_stands_beside_public_tools_is_not_public() {
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).allow_anonymous(true);
    let server = toolgate::server!().gate(gate).tools(tools![greet, who]).fallback(ErasedHandler);
    let stranger = Client::of(server).await.unwrap();
    assert_eq!(stranger.call("greet", json!({})).await.text(), "hello");
    assert_eq!(stranger.tools().await, ["greet", "who"]);
    assert_eq!(stranger.request("prompts/list", json!({})).await.status(), 200);
    assert_eq!(stranger.call("wipe", json!({})).await.status(), 401);
    for (method, params) in [
        ("prompts/get", json!({ "name": "p" })),
        ("resources/read", json!({ "uri": "file:///etc/passwd" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "a", "value": "" } }),
        ),
        ("logging/setLevel", json!({ "level": "debug" })),
        ("tasks/get", json!({ "taskId": "t" })),
        ("of/another", json!({})),
    ] {
        assert_eq!(stranger.request(method, params).await.status(), 401, "{method}");
    }
    let alice = stranger.with(issuer.token("alice"));
    assert_eq!(alice.call("wipe", json!({})).await.text(), "ran wipe");
}

/// A host of 2025 looks at the tools first, and signs its user in when one asks for it.
#[tokio::test]
async fn who_signs_in_goes_on_with_the_session_of_a_stranger() {
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).allow_anonymous(true);
    let url = serve(toolgate::server!().gate(gate).tools(tools![greet, who])).await;
    let post = async |token: Option<String>, session: Option<&str>, message: serde_json::Value| {
        let mut request = reqwest::Client::new()
            .post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .json(&message);
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    };
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
    }});
    let begun = post(None, None, hello).await;
    let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let there = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(None, Some(&session), there).await.status(), 202);
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "who", "arguments": {},
    }});
    assert_eq!(post(None, Some(&session), call.clone()).await.status(), 401);
    let alice = Some(issuer.token("alice").to_string());
    let answer = post(alice.clone(), Some(&session), call.clone()).await.text().await.unwrap();
    assert!(answer.contains("alice"), "{answer}");
    // It holds nothing of alice, so it is anyone's still.
    assert_eq!(post(None, Some(&session), call.clone()).await.status(), 401);
    let bob = Some(issuer.token("bob").to_string());
    let answer = post(bob.clone(), Some(&session), call.clone()).await.text().await.unwrap();
    assert!(answer.contains("bob"), "{answer}");
    // Once alice listens, it is hers, with what is sent there.
    let get = async |token: Option<String>| {
        let get = reqwest::Client::new().get(&url).header("accept", "text/event-stream");
        let get = get.header("mcp-session-id", &session).bearer_auth(token.unwrap());
        get.send().await.unwrap()
    };
    let stream = get(alice.clone()).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(get(bob.clone()).await.status(), 404);
    assert_eq!(post(None, Some(&session), call.clone()).await.status(), 404);
    assert_eq!(post(bob, Some(&session), call.clone()).await.status(), 404);
    assert_eq!(post(alice, Some(&session), call).await.status(), 200);
}

#[tokio::test]
async fn without_a_handler_beside_them_an_unknown_tool_is_unknown() {
    let gate = Gate::new(Issuer::new().verifier()).resource(RESOURCE).allow_anonymous(true);
    let server = toolgate::server!().gate(gate).tools(tools![greet]);
    let answer = Client::of(server).await.unwrap().call("nobody", json!({})).await;
    assert_eq!(answer.body()["error"]["code"], -32602);
}

#[tokio::test]
async fn an_origin_that_is_none_stops_the_start() {
    for (origin, help) in [
        ("*", "name each one"),
        ("app.example", "name each one"),
        ("https://app.example/", "write `https://app.example`"),
        ("https://app.example/page", "write `https://app.example`"),
        ("HTTPS://App.example", "write `https://app.example`"),
    ] {
        let gate = Gate::new(Issuer::new().verifier()).resource(RESOURCE).allow_origin(origin);
        let fault = Client::of(toolgate::server!().gate(gate).tools(tools![greet])).await;
        let fault = fault.unwrap_err().to_string();
        assert!(fault.contains(help), "{origin}: {fault}");
    }
}

#[tokio::test]
async fn every_address_is_counted() {
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).rate_limit_per_ip(3);
    let server = toolgate::server!().gate(gate).tools(tools![who]);
    let alice = Client::of(server).await.unwrap().with(issuer.token("alice"));
    for _ in 0..3 {
        assert_eq!(alice.call("who", json!({})).await.text(), "alice");
    }
    assert_eq!(alice.call("who", json!({})).await.status(), 429);
}

#[tokio::test]
async fn every_call_has_one_line_in_the_audit_and_no_line_has_a_token() {
    // As a server logs; below that level, rmcp writes whole messages.
    let (log, _guard) = Log::listen(Level::INFO);
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).allow_anonymous(true);
    let server = toolgate::server!().gate(gate).tools(tools![greet, who, wait]);
    let server = server.strict_arguments(true).state(Room::default());
    let stranger = Client::of(server).await.unwrap();
    let token = issuer.token("alice").to_string();
    let alice = stranger.with_text(&token);

    alice.call("who", json!({})).await;
    stranger.call("who", json!({})).await;
    stranger.call("greet", json!({})).await;
    alice.call("who", json!({ "unknown": "a secret" })).await;
    let expired = issuer.token("bob").expired().to_string();
    stranger.with_text(&expired).call("who", json!({})).await;

    let lines = log.lines("toolgate::audit");
    let expected = [
        r#"tool="who" scopes="" subject="alice" issuer="https://issuer.test" client="testing" outcome="done""#,
        r#"tool="who" scopes="" outcome="refused" why="missing""#,
        r#"tool="greet" scopes="" outcome="done""#,
        r#"tool="who" scopes="" subject="alice" issuer="https://issuer.test" client="testing" outcome="failed""#,
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{line}");
    }
    let all = log.text();
    let whose = r#"code="expired" issuer="https://issuer.test" key="testing""#;
    assert!(all.contains(whose), "{all}");
    for token in [token, expired] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!all.contains(signature), "a token is in the log");
    }
    assert!(!all.contains("a secret"), "an argument is in the log");
}

#[tokio::test]
async fn who_leaves_a_call_is_in_the_audit_all_the_same() {
    let (log, _guard) = Log::listen(Level::TRACE);
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
    let room = Room::default();
    let server = toolgate::server!().gate(gate).tools(tools![wait]).state(room.clone());
    let alice = Client::of(server).await.unwrap().with(issuer.token("alice"));
    tokio::select! {
        _ = alice.call("wait", json!({})) => panic!("nobody let it go on"),
        () = room.came(1) => {}
    }
    let lines = log.lines("toolgate::audit");
    assert!(lines.len() == 1 && lines[0].contains(r#"outcome="left""#), "{lines:?}");
}

#[tokio::test]
async fn results_of_the_current_revision_name_the_server() {
    let issuer = Issuer::new();
    for fast in [true, false] {
        let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
        let server = toolgate::Server::new("named", "1.2.3").gate(gate).tools(tools![greet]);
        let client = Client::of(server.fallback(ErasedHandler).fast_path(fast)).await.unwrap();
        let alice = client.with(issuer.token("alice"));
        for (method, params) in [
            ("tools/call", json!({ "name": "greet", "arguments": {} })),
            ("tools/call", json!({ "name": "wipe", "arguments": {} })),
            ("tools/list", json!({})),
            ("tools/list", json!({})),
            ("prompts/list", json!({})),
            ("server/discover", json!({})),
        ] {
            let answer = match params["name"].as_str() {
                Some(tool) => alice.call(tool, json!({})).await,
                None => alice.request(method, params).await,
            };
            let info = &answer.body()["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
            assert_eq!(info["name"], "named", "{fast} {method}: {}", answer.body());
            assert_eq!(info["version"], "1.2.3", "{fast} {method}");
        }
    }
}
