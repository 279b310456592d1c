//! Messages: what a session of 2025-11-25 can do, and what no client may send.

use integration::socket::Socket;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use super::*;

#[tokio::test]
async fn a_connection_is_a_session_of_2025() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::open(guarded.address, "alice.orders-read").await;
    assert_eq!(socket.request("ping", json!({})).await["result"], json!({}));
    let begun = socket.initialize(no_capabilities()).await;
    assert_eq!(begun["result"]["protocolVersion"], "2025-11-25", "{begun}");
    assert_eq!(begun["result"]["serverInfo"]["name"], "guarded");
    let listed = socket.request("tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    let orders = tools.iter().find(|tool| tool["name"] == "orders").unwrap();
    assert_eq!(orders["securitySchemes"], orders["_meta"]["securitySchemes"], "{orders}");
    assert!(orders["securitySchemes"].is_array());
    assert_eq!(text_of(&socket.call("orders", json!({})).await), "the orders of alice");
    let shown = socket.call("headers", json!({})).await;
    assert!(!text_of(&shown).contains("alice.orders"), "tools see no credentials: {shown}");
    let unknown = socket.call("unknown", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn progress_comes_before_the_result() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    let params = json!({
        "name": "count",
        "arguments": { "to": 3 },
        "_meta": { "progressToken": "so far" },
    });
    let counted = socket.request("tools/call", params).await;
    assert_eq!(text_of(&counted), "3");
    let progress: Vec<_> =
        socket.others.iter().map(|other| other["params"]["progress"].clone()).collect();
    assert_eq!(progress, [json!(1.0), json!(2.0), json!(3.0)]);
}

#[tokio::test]
async fn calls_run_at_once_and_are_cancelled_one_by_one() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    let call = || json!({ "name": "wait", "arguments": {} });
    let first = socket.start("tools/call", call()).await;
    let second = socket.start("tools/call", call()).await;
    soon(guarded.room.came(2)).await;
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {
        "requestId": first,
    }});
    socket.send(&cancelled).await;
    soon(guarded.room.left(1)).await;
    guarded.room.open();
    assert_eq!(text_of(&soon(socket.response(second)).await), "waited");
    assert!(socket.others.is_empty(), "what was cancelled is not answered: {:?}", socket.others);
}

#[tokio::test]
async fn the_server_can_ask_the_client() {
    let guarded = Guarded::start().await;
    let roots = json!({ "roots": {} });
    let mut socket = Socket::begin(guarded.address, "alice.", roots).await;
    let call = socket.start("tools/call", json!({ "name": "roots", "arguments": {} })).await;
    let asked = socket.next().await;
    assert_eq!(asked["method"], "roots/list", "{asked}");
    let listed = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": {
        "roots": [{ "uri": "file:///work" }],
    }});
    socket.send(&listed).await;
    assert_eq!(text_of(&socket.response(call).await), "file:///work");
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_the_connection_goes_on() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    for (text, code) in [
        ("{", -32700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, -32600),
        ("7", -32600),
    ] {
        socket.send_frame(Message::text(text)).await;
        let answer = socket.next().await;
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
        assert_eq!(answer["id"], Value::Null);
    }
    let invalid = json!({ "jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": [] });
    socket.send(&invalid).await;
    let answer = socket.next().await;
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32602), &json!("x")));
    // Arguments are read as they were written.
    let twice = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"a":2,"b":3}}}"#;
    socket.send_frame(Message::text(twice)).await;
    let answer = socket.next().await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert_eq!(text_of(&socket.call("add", json!({ "a": 1, "b": 2 })).await), "3");
}

#[tokio::test]
async fn of_two_requests_with_one_id_the_second_is_refused() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    let call = |id: u32| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": "wait", "arguments": {},
        }})
    };
    socket.send(&call(7)).await;
    socket.send(&call(7)).await;
    let refused = socket.next().await;
    assert_eq!(refused["error"]["message"], "a request with this id is under way", "{refused}");
    // The number of requests is bounded, and a message that asks for nothing is taken nevertheless.
    for id in 100..355 {
        socket.send(&call(id)).await;
    }
    socket.send(&call(355)).await;
    let refused = socket.response(355).await;
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("too many"), "{refused}");
    soon(guarded.room.came(256)).await;
    guarded.room.open();
    assert_eq!(text_of(&socket.response(7).await), "waited");
}

#[tokio::test]
async fn frames_that_carry_no_message_close_the_connection() {
    let guarded = Guarded::start().await;
    let begin = || Socket::begin(guarded.address, "alice.", no_capabilities());

    let mut socket = begin().await;
    socket.send_frame(Message::binary(b"{}".to_vec())).await;
    assert_eq!(soon(socket.closed()).await.0, 1003);

    let mut socket = begin().await;
    // Its head alone says how long it is.
    let head = [0x81, 0xff, 0, 0, 0, 0, 0, 0x40, 0, 1, 0, 0, 0, 0];
    socket.stream().write_all(&head).await.unwrap();
    assert_eq!(soon(socket.closed()).await, (1009, "a message has at most 4 MiB".to_owned()));

    let mut socket = begin().await;
    // Not masked.
    socket.stream().write_all(&[0x81, 2, b'{', b'}']).await.unwrap();
    assert_eq!(soon(socket.closed()).await.0, 1002);

    let mut socket = begin().await;
    socket.stream().write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await.unwrap();
    assert_eq!(soon(socket.closed()).await.0, 1007);
}

#[tokio::test]
async fn the_first_message_begins_something() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::open(guarded.address, "alice.").await;
    socket.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let closed = soon(socket.closed()).await;
    assert_eq!(closed, (1008, "the first message has to be `initialize`".to_owned()));

    // A client of 2026-07-28 introduces itself with every request.
    let mut socket = Socket::open(guarded.address, "alice.").await;
    let params = json!({
        "name": "add",
        "arguments": { "a": 1, "b": 2 },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "c", "version": "1" },
        },
    });
    assert_eq!(text_of(&soon(socket.request("tools/call", params)).await), "3");
}
