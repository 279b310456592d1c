//! Calls that take long: streams with comments until their results.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    extract::ConnectInfo,
    response::Response,
};
use forge::{Config, person::Person};
use futures::StreamExt;
use http::Request;
use integration::{
    host::client_at,
    ports::free_port,
    waiting::{Room, soon, until, visit, wait, wait_aloud},
    wire::{Way, Wire, call, request},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode, Tool},
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    time::{Instant, sleep},
};
use toolgate::{
    gate::Gate,
    grant::MemoryStore,
    prelude::*,
    server::ToolgateService,
    testing::{Issuer, RESOURCE},
};
use tower::ServiceExt;

const BOTH: &str = "application/json, text/event-stream";

/// Reports progress after 20 seconds.
#[tool]
async fn report_late(context: Context) -> &'static str {
    sleep(Duration::from_secs(20)).await;
    context.progress(1.0, None, "nearly").await;
    sleep(Duration::from_secs(20)).await;
    "reported"
}

/// Panics after 20 seconds.
#[tool]
async fn panic_late() -> &'static str {
    sleep(Duration::from_secs(20)).await;
    panic!("late")
}

/// Waits, and returns two megabytes.
#[tool]
async fn wait_for_bulk(room: State<Room>) -> String {
    let _guest = room.enter();
    room.opened().await;
    "0123456789abcdef".repeat(2 << 16)
}

/// A handler whose tools take 20 seconds.
struct Late;

impl ServerHandler for Late {
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let Value::Object(schema) = json!({ "type": "object" }) else { return None };
        Some(Tool::new(name.to_owned(), "Takes long.", schema))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        sleep(Duration::from_secs(20)).await;
        match &*call.name {
            "refuse" => Err(ErrorData::new(ErrorCode::HEADER_MISMATCH, "no", None)),
            _ => Ok(CallToolResult::success(Vec::new()).into()),
        }
    }
}

fn server(room: &Room) -> toolgate::Server {
    let tools = tools![wait, wait_aloud, wait_for_bulk, report_late, panic_late, until];
    toolgate::Server::new("long", "1").tools(tools).state(room.clone())
}

/// A request of this machine with a message.
fn message(message: &Value, accept: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("accept", accept)
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    request.extension(ConnectInfo(peer)).body(Body::from(message.to_string())).unwrap()
}

/// A call of 2026-07-28.
fn modern(tool: &str, way: Way, accept: &str) -> Request<Body> {
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", tool)];
    message(&call(tool, &json!({}), way), accept, &headers)
}

async fn send<H: 'static>(service: &ToolgateService<H>, request: Request<Body>) -> Response {
    service.clone().oneshot(request).await.unwrap()
}

/// A session of 2025-11-25: its headers.
async fn session(service: &ToolgateService) -> [(&'static str, String); 2] {
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" },
    }});
    let response = send(service, message(&initialize, BOTH, &[])).await;
    let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    drop(text(response).await);
    let headers = [("mcp-session-id", id), ("mcp-protocol-version", "2025-11-25".to_owned())];
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let named = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send(service, message(&initialized, BOTH, &named)).await.status(), 202);
    headers
}

/// A call in a session, without arguments.
fn of_2025(tool: &str, accept: &str, session: &[(&'static str, String); 2]) -> Request<Body> {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool,
        "arguments": {},
    }});
    let named = session.each_ref().map(|(name, value)| (*name, value.as_str()));
    message(&call, accept, &named)
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The events of a response that is a stream.
fn events(response: Response) -> BodyDataStream {
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(response.status(), 200);
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("x-accel-buffering"), "no");
    response.into_body().into_data_stream()
}

async fn next(events: &mut BodyDataStream) -> String {
    let frame = events.next().await.expect("the stream goes on").unwrap();
    String::from_utf8(frame.to_vec()).unwrap()
}

/// The message of an event.
fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{event}"))).unwrap()
}

/// The message that ends a stream, after comments.
async fn last(mut events: BodyDataStream) -> Value {
    let mut event = next(&mut events).await;
    while event == ":\n\n" {
        event = next(&mut events).await;
    }
    assert!(events.next().await.is_none(), "nothing follows the result");
    data(&event)
}

/// All that is left of a stream.
async fn all(mut events: BodyDataStream) -> String {
    let mut text = String::new();
    while let Some(frame) = events.next().await {
        text += std::str::from_utf8(&frame.unwrap()).unwrap();
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_long_goes_on_as_a_stream() {
    for way in Way::ALL {
        let room = Room::default();
        let service = server(&room).build().await.unwrap().into_service();
        let began = Instant::now();
        let response = send(&service, modern(&way.tool("wait"), way, BOTH)).await;
        assert_eq!(began.elapsed().as_secs(), 10, "{way:?}");
        let mut events = events(response);
        for seconds in [10, 25, 40, 55, 70] {
            assert_eq!(next(&mut events).await, ":\n\n", "{way:?}");
            assert_eq!(began.elapsed().as_secs(), seconds, "{way:?}");
        }
        room.open();
        let message = last(events).await;
        assert_eq!(message["id"], 1, "{message}");
        assert_eq!(message["result"]["content"][0]["text"], "waited", "{message}");
        assert_eq!(began.elapsed().as_secs(), 70, "{way:?}: the result is not waited with");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_is_a_setting() {
    let room = Room::default();
    let server = server(&room).sse_after(Duration::from_millis(1500));
    let service = server.build().await.unwrap().into_service();
    let began = Instant::now();
    let response = send(&service, modern("wait", Way::Quick, BOTH)).await;
    assert_eq!(began.elapsed().as_millis() / 100, 15);
    drop(events(response));
}

#[tokio::test]
async fn a_time_that_makes_no_sense_is_refused() {
    for (time, says) in [(Duration::ZERO, "zero"), (Duration::from_secs(61), "more than a minute")]
    {
        let error = server(&Room::default()).sse_after(time).build().await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains("sse_after") && error.contains(says), "{error}");
    }
    for time in [Duration::from_nanos(1), Duration::from_secs(60)] {
        server(&Room::default()).sse_after(time).build().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_json_alone_waits() {
    let room = Room::default();
    let service = server(&room).build().await.unwrap().into_service();
    let session = session(&service).await;
    for request in [
        // First, because rmcp's comments in a session go by another clock, which must not fall behind.
        of_2025("wait_aloud", "application/json", &session),
        of_2025("wait", "application/json", &session),
        modern("wait", Way::Quick, "application/json"),
        modern("wait_aloud", Way::Rmcp, "application/json"),
    ] {
        let mut response = std::pin::pin!(send(&service, request));
        tokio::select! {
            response = &mut response => panic!("{response:?}"),
            // Not as long as rmcp waits between comments in a session: it goes by another clock.
            () = sleep(Duration::from_secs(14)) => {}
        }
        room.open();
        let response = response.await;
        assert_eq!(response.headers()["content-type"], "application/json");
        let message: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(message["result"]["content"][0]["text"], "waited", "{message}");
        room.close();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_of_events_alone_gets_a_stream() {
    let room = Room::default();
    let service = server(&room).build().await.unwrap().into_service();
    let response = send(&service, modern("wait", Way::Quick, "text/event-stream")).await;
    let mut events = events(response);
    assert_eq!(next(&mut events).await, ":\n\n");
    room.open();
    let message = last(events).await;
    assert_eq!(message["result"]["content"][0]["text"], "waited", "{message}");
}

/// A stream of a session begins at once, or after the same time as others.
#[tokio::test]
async fn a_call_in_a_session_is_a_stream() {
    for tool in ["wait", "wait_aloud"] {
        let room = Room::default();
        let server = server(&room).sse_after(Duration::from_millis(1));
        let service = server.build().await.unwrap().into_service();
        let session = session(&service).await;
        let mut events = events(soon(send(&service, of_2025(tool, BOTH, &session))).await);
        // A comment, or the identifier of an event to resume after.
        assert!(!next(&mut events).await.contains("result"), "{tool}");
        room.open();
        let mut event = soon(next(&mut events)).await;
        while !event.contains("result") {
            event = soon(next(&mut events)).await;
        }
        assert_eq!(data(&event)["result"]["content"][0]["text"], "waited", "{tool}: {event}");
        assert!(events.next().await.is_none(), "{tool}: nothing follows the result");
    }
}

#[tokio::test(start_paused = true)]
async fn notifications_that_come_later_are_events_of_the_same_stream() {
    let service = server(&Room::default()).build().await.unwrap().into_service();
    let response = send(&service, modern("report_late", Way::Rmcp, BOTH)).await;
    let text = all(events(response)).await;
    let messages: Vec<_> =
        text.split("\n\n").filter(|it| it.contains("data: {")).map(data).collect();
    assert_eq!(messages[0]["method"], "notifications/progress", "{text}");
    assert_eq!(messages[1]["result"]["content"][0]["text"], "reported", "{text}");
    assert_eq!(messages.len(), 2, "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_error_after_the_head_is_the_message_of_the_event() {
    let service = server(&Room::default()).fallback(Late).fallback_is_silent(true);
    let service = service.build().await.unwrap().into_service();
    // Its status would have been 400.
    for way in Way::ALL {
        let message = last(events(send(&service, modern("refuse", way, BOTH)).await)).await;
        assert_eq!(message["id"], 1, "{message}");
        assert_eq!(message["error"]["code"], ErrorCode::HEADER_MISMATCH.0, "{message}");
    }
    let message = last(events(send(&service, modern("panic_late", Way::Quick, BOTH)).await)).await;
    assert_eq!(message["id"], 1, "{message}");
    assert_eq!(message["result"]["isError"], true, "{message}");
    let message = last(events(send(&service, modern("other", Way::Quick, BOTH)).await)).await;
    assert_eq!(message["result"]["content"], json!([]), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_its_stream_is_dropped() {
    for way in Way::ALL {
        let room = Room::default();
        let service = server(&room).build().await.unwrap().into_service();
        let response = send(&service, modern(&way.tool("wait"), way, BOTH)).await;
        let mut events = events(response);
        assert_eq!(next(&mut events).await, ":\n\n");
        drop(events);
        room.left(1).await;
    }
}

/// The permit of a call is held for as long as its stream.
#[tokio::test(start_paused = true)]
async fn a_stream_counts_as_a_call_under_way() {
    for way in Way::ALL {
        let (room, issuer) = (Room::default(), Issuer::new());
        let gate = Gate::new(issuer.verifier()).resource(RESOURCE).max_concurrent_per_subject(1);
        let service = server(&room).gate(gate).build().await.unwrap().into_service();
        let token = format!("Bearer {}", issuer.token("alice"));
        let request = |tool: &str, way| {
            let mut request = modern(tool, way, BOTH);
            request.headers_mut().insert("authorization", token.parse().unwrap());
            request
        };
        let mut events = events(send(&service, request(&way.tool("wait"), way)).await);
        assert_eq!(next(&mut events).await, ":\n\n");
        let refused = send(&service, request("wait", Way::Quick)).await;
        assert_eq!(refused.status(), 429, "{way:?}");
        room.open();
        let message = last(events).await;
        assert_eq!(message["result"]["content"][0]["text"], "waited", "{message}");
        let let_in = send(&service, request("wait", Way::Quick)).await;
        assert_eq!(let_in.status(), 200, "{way:?}");
    }
}

/// A server that listens, whose calls are streams as soon as they wait.
async fn listening(room: &Room) -> SocketAddr {
    let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let server = server(room).sse_after(Duration::from_millis(1)).inspector(false);
    tokio::spawn(server.serve_http(address));
    let listens = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon(listens).await;
    address
}

#[tokio::test]
async fn a_call_ends_when_the_reader_of_its_stream_leaves() {
    for way in Way::ALL {
        let room = Room::default();
        let address = listening(&room).await;
        let tool = way.tool("wait");
        let mut wire = Wire::with(address, &request(&tool, &json!({}), way)).await;
        soon(wire.read_until(":\n\n")).await;
        drop(wire);
        soon(room.left(1)).await;
    }
}

/// The tool ends although no one reads, and its result is there for a client that reads later.
#[tokio::test]
async fn a_slow_reader_gets_the_whole_result() {
    let room = Room::default();
    let address = listening(&room).await;
    let call = request("wait_for_bulk", &json!({}), Way::Quick);
    let mut wire = Wire::with(address, &call).await;
    soon(wire.read_until(":\n\n")).await;
    room.open();
    soon(room.left(1)).await;
    let (mut rest, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    while !rest.ends_with(b"\r\n0\r\n\r\n") {
        let length = soon(wire.0.read(&mut piece)).await.unwrap();
        assert!(length > 0, "it broke off");
        rest.extend_from_slice(&piece[..length]);
    }
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.matches("0123456789abcdef").count() > 100_000, "{}", rest.len());
    // The connection serves on.
    wire.send(&request("until", &json!({ "calls": 0 }), Way::Quick)).await;
    let answer = soon(wire.answer()).await;
    assert!(answer.status == 200 && answer.body.contains("they wait"), "{answer:?}");
}

/// A host that has opened a link calls again, and waits for its user under comments.
#[tokio::test]
async fn a_call_that_waits_for_its_user_is_a_stream() {
    let forge = forge::start(Config::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = toolgate::Server::new("long", "1")
        .provider(client_at(forge.url()))
        .tools(tools![visit])
        .state(Room::default())
        .store(MemoryStore::new())
        .public_url(&url)
        .sse_after(Duration::from_millis(1))
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    let send = async |more: Value| {
        let mut call = call("visit", &json!({}), Way::Quick);
        let params = call["params"].as_object_mut().unwrap();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({ "elicitation": { "url": {} } });
        params.extend(more.as_object().unwrap().clone());
        let request = reqwest::Client::new()
            .post(format!("{url}/mcp"))
            .header("accept", BOTH)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "visit");
        request.json(&call).send().await.unwrap()
    };
    let asked = send(json!({})).await.text().await.unwrap();
    let asked = asked.trim_start_matches(":\n\n").trim_start_matches("data: ");
    let asked: Value = serde_json::from_str(asked.trim()).unwrap();
    let result = &asked["result"];
    let link = result["inputRequests"]["forge"]["params"]["url"].as_str().unwrap();
    let mut waiting = send(json!({
        "requestState": result["requestState"],
        "inputResponses": { "forge": { "action": "accept" } },
    }))
    .await;
    assert_eq!(waiting.headers()["content-type"], "text/event-stream");
    assert_eq!(soon(waiting.chunk()).await.unwrap().unwrap(), ":\n\n");
    let page = Person::new("alice").approve(link).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    let rest = soon(waiting.text()).await.unwrap();
    assert!(rest.contains("alice"), "{rest}");
}

/// A server that shuts down answers the calls that run, whichever way they take.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_graceful_shutdown_lets_a_stream_end() {
    let mut crowd = integration::crowd::Crowd::streaming(env!("CARGO_BIN_EXE_crowd")).await;
    let mut waiting = Vec::new();
    for way in Way::ALL {
        let call = request(&way.tool("wait"), &json!({}), way);
        let mut wire = Wire::with(crowd.address, &call).await;
        soon(wire.read_until(":\n\n")).await;
        waiting.push(wire);
    }
    // A call that is under way at the end, because its body is.
    let release = request("release", &json!({}), Way::Quick);
    let release = release.replacen("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n", 1);
    let (first, rest) = release.split_at(release.len() - 1);
    let mut releasing = Wire::with(crowd.address, first).await;
    soon(releasing.read_until("100 Continue\r\n\r\n")).await;
    crowd.begin_shutdown();
    let refuses = async {
        while tokio::net::TcpStream::connect(crowd.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refuses).await;
    releasing.send(rest).await;
    for mut wire in waiting {
        let rest = soon(wire.read_until("\r\n0\r\n\r\n")).await;
        assert!(rest.contains("waited"), "{rest}");
    }
    assert!(soon(crowd.end()).await.success());
}
