//! Clients and browsers that leave: what they waited for ends, and what must not be lost goes on.

use std::{net::SocketAddr, time::Duration};

use forge::{Config, Running, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    host::client_at,
    waiting::{Room, soon, talk, visit, visit_aloud, wait, wait_aloud},
    wire::{Way, Wire, head, post, request},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{Server, grant::MemoryStore, tools};

/// A server over a forge, with a room.
struct Inn {
    forge: Running,
    room: Room,
    mcp: String,
    address: SocketAddr,
}

impl Inn {
    async fn start() -> Self {
        Self::streaming_after(Duration::from_secs(10)).await
    }

    async fn streaming_after(sse_after: Duration) -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let room = Room::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Server::new("inn", "1")
            .provider(client_at(forge.url()))
            .tools(tools![talk, visit, visit_aloud, wait, wait_aloud])
            .state(room.clone())
            .store(MemoryStore::new())
            .sse_after(sse_after)
            .public_url(format!("http://{address}"))
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { forge, room, mcp: format!("http://{address}/mcp"), address }
    }

    /// The link at which alice connects her account.
    async fn link(&self) -> String {
        link_in(&text_of(&post_call(&self.mcp, "visit", "{}").await))
    }

    async fn connect(&self) {
        let page = Person::new("alice").approve(&self.link().await).await.unwrap();
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
    }

    async fn call(&self, tool: &str, arguments: Value, way: Way) -> Wire {
        Wire::with(self.address, &request(tool, &arguments, way)).await
    }

    /// A message of a client of 2025; the answer, up to `end`, if one is awaited.
    async fn legacy(&self, method: &str, headers: &str, message: &Value) -> Wire {
        let body = if message.is_null() { String::new() } else { message.to_string() };
        let head = head(&format!("content-length: {}\r\n{headers}", body.len()));
        let head = head.replacen("POST", method, 1);
        Wire::with(self.address, &format!("{head}{body}")).await
    }

    /// Begins a session, and returns the headers that name it.
    async fn session(&self) -> String {
        let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "c", "version": "1" },
        }});
        let head = self.legacy("POST", "", &initialize).await.read_until("\r\n\r\n").await;
        let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
        let session = format!("mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25\r\n");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let told = self.legacy("POST", &session, &initialized).await.answer().await;
        assert_eq!(told.status, 202);
        session
    }
}

/// A call of a client of 2025.
fn of_2025(tool: &str, id: u32) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
        "name": tool,
        "arguments": {},
    }})
}

#[tokio::test]
async fn a_call_ends_when_its_client_leaves() {
    for way in Way::ALL {
        let inn = Inn::start().await;
        let call = inn.call(&way.tool("wait"), json!({}), way).await;
        soon(inn.room.came(1)).await;
        drop(call);
        soon(inn.room.left(1)).await;

        let call = inn.call(&way.tool("wait"), json!({}), way).await;
        soon(inn.room.came(2)).await;
        inn.room.open();
        let mut call = call;
        let answer = soon(call.answer()).await;
        assert!(answer.body.contains("waited"), "{way:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_call_whose_progress_nobody_reads_ends_when_its_client_leaves() {
    let inn = Inn::start().await;
    let mut call = inn.call("talk", json!({ "times": u32::MAX }), Way::Rmcp).await;
    soon(call.read_until("notifications/progress")).await;
    drop(call);
    soon(inn.room.left(1)).await;
}

#[tokio::test]
async fn a_refresh_under_way_is_saved_after_the_caller_leaves() {
    for (way, streams) in Way::ALL.into_iter().flat_map(|way| [(way, false), (way, true)]) {
        let sse_after = Duration::from_millis(if streams { 1 } else { 10_000 });
        let inn = Inn::streaming_after(sse_after).await;
        inn.connect().await;
        inn.forge.expire_access_tokens();
        let held = inn.forge.faults().hold_token();
        let mut call = inn.call(&way.tool("visit"), json!({}), way).await;
        soon(held.reached(1)).await;
        if streams {
            soon(call.read_until(":\n\n")).await;
        }
        soon(call.leave()).await;
        soon(inn.room.left(1)).await;
        // The only one that waited for the refresh is gone.
        drop(held);
        let visited = soon(post(inn.address, "visit", &json!({}), Way::Quick)).await;
        assert!(visited.body.contains("alice"), "{way:?}: {visited:?}");
        let counts = inn.forge.counts();
        assert_eq!((counts.refreshes, counts.refreshes_refused), (1, 0), "{way:?}");
    }
}

#[tokio::test]
async fn a_consent_under_way_is_kept_after_the_browser_leaves() {
    for way in Way::ALL {
        let inn = Inn::start().await;
        let link = inn.link().await;
        let held = inn.forge.faults().hold_token();
        let person = tokio::spawn(async move { Person::new("alice").approve(&link).await });
        soon(held.reached(1)).await;
        // The browser is back, and the code is being redeemed: the call waits for it.
        let call = inn.call(&way.tool("visit"), json!({}), way).await;
        soon(call.leave()).await;
        drop(held);
        let page = soon(person).await.unwrap().unwrap();
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
        let visited = soon(post(inn.address, "visit", &json!({}), Way::Quick)).await;
        assert!(visited.body.contains("alice"), "{way:?}: {visited:?}");
        assert_eq!(inn.forge.counts().codes, 1, "{way:?}");
    }
}

#[tokio::test]
async fn a_consent_is_kept_when_the_browser_leaves_while_its_code_is_redeemed() {
    for way in Way::ALL {
        let inn = Inn::start().await;
        let link = inn.link().await;
        let held = inn.forge.faults().hold_token();
        let person = tokio::spawn(async move { Person::new("alice").approve(&link).await });
        soon(held.reached(1)).await;
        let mut call = inn.call(&way.tool("visit"), json!({}), way).await;
        person.abort();
        assert!(soon(person).await.unwrap_err().is_cancelled(), "the browser is closed");
        // Its connection is closed with it: another that is made and let go of comes later.
        inn.call("wait", json!({}), Way::Quick).await.leave().await;
        drop(held);
        // The call that waited for the consent, or came while it was under way, has it.
        let visited = soon(call.answer()).await;
        assert!(visited.body.contains("alice"), "{way:?}: {visited:?}");
        assert_eq!(inn.forge.counts().codes, 1, "{way:?}");
    }
}

/// In that era a connection that breaks cancels nothing where the answer is a stream: the client may
/// come back for it.
#[tokio::test]
async fn a_client_of_2025_comes_back_for_its_answer() {
    let inn = Inn::start().await;
    let session = inn.session().await;
    let mut call = inn.legacy("POST", &session, &of_2025("wait_aloud", 1)).await;
    let primed = soon(call.read_until("\n\n")).await;
    let event = primed.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    soon(inn.room.came(1)).await;
    soon(call.leave()).await;

    let last = format!("{session}last-event-id: {event}\r\n");
    let mut back = inn.legacy("GET", &last, &Value::Null).await;
    inn.room.open();
    let answer = soon(back.read_until("waited\"")).await;
    assert!(answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_client_of_2025_cancels_a_call_by_saying_so_or_by_ending_its_session() {
    for tool in ["wait", "wait_aloud"] {
        let inn = Inn::start().await;
        let session = inn.session().await;
        let _call = inn.legacy("POST", &session, &of_2025(tool, 1)).await;
        soon(inn.room.came(1)).await;
        let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {
            "requestId": 1,
            "reason": "no longer needed",
        }});
        let told = inn.legacy("POST", &session, &cancelled).await.answer().await;
        assert_eq!(told.status, 202);
        soon(inn.room.left(1)).await;

        let _call = inn.legacy("POST", &session, &of_2025(tool, 2)).await;
        soon(inn.room.came(2)).await;
        let ended = inn.legacy("DELETE", &session, &Value::Null).await.answer().await;
        assert_eq!(ended.status, 202);
        soon(inn.room.left(2)).await;
    }
}

/// A plain answer cannot be come back for, so nobody would have it.
#[tokio::test]
async fn a_quiet_call_of_2025_ends_when_its_client_leaves() {
    let inn = Inn::start().await;
    let session = inn.session().await;
    let call = inn.legacy("POST", &session, &of_2025("wait", 1)).await;
    soon(inn.room.came(1)).await;
    soon(call.leave()).await;
    soon(inn.room.left(1)).await;
}
