//! A program in development is replaced by another process, and nobody signs in again.

mod supervisor;

use integration::{
    broker::{Application, Browser},
    transport::{Dialogue, Opening, Transport, soon},
};
use reqwest::Client;
use serde_json::{Value, json};

use self::supervisor::{Program, Supervisor};

/// A host with a session of 2025-11-25.
#[derive(Clone)]
struct Host {
    http: Client,
    url: String,
    token: String,
    session: String,
    /// What it was told at the beginning.
    welcome: Value,
}

impl Host {
    async fn connect(url: &str, token: &str) -> Self {
        let mut host = Self {
            http: Client::builder().no_proxy().build().unwrap(),
            url: format!("{url}/mcp"),
            token: token.to_owned(),
            session: String::new(),
            welcome: Value::Null,
        };
        let client = json!({ "name": "test", "version": "1" });
        let params =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let welcome = host.post("initialize", params).send().await.unwrap();
        assert_eq!(welcome.status(), 200);
        welcome.headers()["mcp-session-id"].to_str().unwrap().clone_into(&mut host.session);
        host.welcome = message(&welcome.text().await.unwrap())["result"].clone();
        host
    }

    fn post(&self, method: &str, params: Value) -> reqwest::RequestBuilder {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self.http.post(&self.url).bearer_auth(&self.token).json(&body);
        let request = request.header("accept", "application/json, text/event-stream");
        if self.session.is_empty() {
            return request;
        }
        let request = request.header("mcp-session-id", &self.session);
        request.header("mcp-protocol-version", "2025-11-25")
    }

    /// The text of a tool's result.
    async fn call(&self, tool: &str) -> String {
        let response =
            self.post("tools/call", json!({ "name": tool, "arguments": {} })).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        let answer = message(&text);
        answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }
}

/// The message in a response, which may be a stream of events.
fn message(text: &str) -> Value {
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.find(|data| data.starts_with('{')).unwrap_or(text)).unwrap()
}

fn link_in(text: &str, url: &str) -> String {
    let link = text.split_whitespace().find(|word| word.starts_with(&format!("{url}/connect/")));
    link.unwrap_or_else(|| panic!("no link: {text}")).to_owned()
}

/// Connects the stand-in's account by the link in the answer of a tool. Returns its URL.
async fn connect_account(host: &Host, browser: &Browser, url: &str) -> String {
    let consent = browser.open(&link_in(&host.call("addresses").await, url)).await;
    let form = [("account", "alice"), ("decision", "approve"), ("scope:user:email", "on")];
    let back = browser.send(&consent, &form, &[]).await;
    let target = back.header("refresh").strip_prefix("0;url=").unwrap().to_owned();
    let page = browser.open(&target).await;
    assert!(page.body.contains("GitHub is connected"), "{}", page.body);
    consent.url.origin().ascii_serialization()
}

/// The page of the inspector, by its link.
struct Page {
    http: Client,
    origin: String,
}

impl Page {
    async fn open(link: &str) -> Self {
        let http = Client::builder().no_proxy().cookie_store(true).build().unwrap();
        let origin = link.split("/inspector").next().unwrap().to_owned();
        assert_eq!(http.get(link).send().await.unwrap().status(), 200);
        Self { http, origin }
    }

    async fn state(&self) -> Value {
        let request = self.http.get(format!("{}/inspector/api/state", self.origin));
        request.header("toolgate-inspector", "1").send().await.unwrap().json().await.unwrap()
    }

    async fn listen(&self) -> reqwest::Response {
        let request = self.http.get(format!("{}/inspector/api/events", self.origin));
        request.header("toolgate-inspector", "1").send().await.unwrap()
    }

    /// What the page gets of the events until all of `wanted` came.
    async fn events(&self, wanted: &[&str]) -> String {
        let mut response = self.listen().await;
        let mut text = String::new();
        while !wanted.iter().all(|wanted| text.contains(wanted)) {
            let chunk = response.chunk().await.unwrap().unwrap_or_else(|| panic!("ended: {text}"));
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    }
}

/// Signs in, connects an account, lets programs follow each other, and goes on.
async fn goes_on(variables: &[(&str, &str)]) {
    let mut supervisor = Supervisor::new();
    let url = supervisor.url();
    let mut program = supervisor.start(variables).await;
    let first = supervisor.begin(&mut program).await;
    let page = Page::open(first["inspector"].as_str().unwrap()).await;
    let started_at = page.state().await["server"]["started_at"].clone();

    let browser = Browser::new();
    let application = Application::register_at(&url).await;
    let tokens = application.sign_in(&browser, "orders:read", "alice").await;
    let host = Host::connect(&url, &tokens.text("access_token")).await;
    assert_eq!(host.call("orders").await, "the orders of alice");
    let stand_in = connect_account(&host, &browser, &url).await;
    assert_eq!(program.built["stand_ins"], json!([{ "provider": "GitHub", "url": stand_in }]));
    assert!(host.call("addresses").await.contains("alice@example.com"));
    // A sign-in under way: the person has been asked, and has not answered.
    let asked = browser.open(&application.link("orders:read", &[])).await;
    let minted = format!("{url}/dev/token?user=alice&scope=orders:read");
    let minted = reqwest::get(minted).await.unwrap().text().await.unwrap();

    // A link that nobody has opened yet.
    let of_bob = reqwest::get(format!("{url}/dev/token?user=bob")).await.unwrap();
    let of_bob = Host::connect(&url, &of_bob.text().await.unwrap()).await;
    let link = link_in(&of_bob.call("addresses").await, &url);

    let mut refresh = tokens.text("refresh_token");
    // They end once their idle connections do.
    let mut replaced = Vec::new();
    for _ in 0..2 {
        let mut next = supervisor.start(variables).await;
        let ready = supervisor.switch(&mut program, &mut next, |_| {}).await;
        assert_eq!(ready["inspector"], first["inspector"]);
        assert_eq!(ready["changes"], json!({ "text": "", "tools_changed": false }));
        assert_eq!(next.built["stand_ins"], program.built["stand_ins"]);
        replaced.push(std::mem::replace(&mut program, next));

        assert_eq!(host.call("orders").await, "the orders of alice");
        assert!(host.call("addresses").await.contains("alice@example.com"), "nobody is asked");
        let of_minted = Host::connect(&url, &minted).await;
        assert_eq!(of_minted.call("orders").await, "the orders of alice");
        let renewed = application.refresh(&refresh).await;
        assert_eq!(renewed.status, 200, "{}", renewed.body);
        refresh = renewed.text("refresh_token");
        let renewed = Host::connect(&url, &renewed.text("access_token")).await;
        assert_eq!(renewed.call("orders").await, "the orders of alice");

        // The log of the inspector, and its people.
        let events = page.events(&["grant_made", "event: exchange"]).await;
        assert!(events.contains(&format!(r#"{{"started_at":{started_at}}}"#)), "{events}");
        let state = page.state().await;
        assert_eq!(state["server"]["started_at"], started_at);
        assert!(state["people"][0]["token"].is_object(), "{state}");
    }

    // The link leads to the consent that the call asked for.
    let browser_of_bob = Browser::new();
    let page = browser_of_bob.sign_in(&link, "bob").await;
    assert!(page.body.contains("May this server use your GitHub account?"), "{}", page.body);

    // The stand-in still has its tokens: it refuses them after this switch of faults.
    let expire = Client::new().post(format!("{stand_in}/stand-in/faults"));
    expire.form(&[("fault", "revoke")]).send().await.unwrap();
    assert!(host.call("addresses").await.contains("/connect/"), "the grant has ended");
    // And the sign-in goes on.
    let answered = if asked.is_consent() { browser.decide(&asked, "allow").await } else { asked };
    let answer = browser.at_forge(answered, "alice", "allow").await.answer();
    assert_eq!(application.redeem(answer.code()).await.status, 200);
    end(program).await;
}

/// Lets the last program end as a supervisor does that has ended itself.
async fn end(program: Program) {
    let Program { mut child, input, output, .. } = program;
    drop((input, output));
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn what_is_stored_on_disk_goes_on() {
    goes_on(&[]).await;
}

#[tokio::test]
async fn what_is_stored_in_memory_goes_on() {
    goes_on(&[("STORE", "memory")]).await;
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_dropped() {
    let mut supervisor = Supervisor::new();
    let url = supervisor.url();
    let mut old = supervisor.start(&[("STORE", "memory")]).await;
    supervisor.begin(&mut old).await;
    let application = Application::register_at(&url).await;
    let tokens = application.sign_in(&Browser::new(), "orders:read", "alice").await;
    let mut new = supervisor.start(&[("STORE", "memory"), ("VERSION", "2")]).await;
    let ready = supervisor
        .switch(&mut old, &mut new, |state| {
            state["pieces"]["store"] = json!({ "of": "a later version" });
            state["pieces"]["stand-in github"] = json!(7);
        })
        .await;
    assert_eq!(ready["changes"]["text"], "+ tool order (orders:write)");
    assert_eq!(ready["changes"]["tools_changed"], true);
    // What was stored is gone, the key of the tokens with it, and people sign in again.
    let refused = Client::new().post(format!("{url}/mcp")).bearer_auth(tokens.text("access_token"));
    assert_eq!(refused.json(&json!({})).send().await.unwrap().status(), 401);
    assert_eq!(application.refresh(&tokens.text("refresh_token")).await.status, 400);
    let tokens = application.sign_in(&Browser::new(), "orders:read", "alice").await;
    let host = Host::connect(&url, &tokens.text("access_token")).await;
    assert_eq!(host.call("orders").await, "the orders of alice");
}

/// The notification that the tools are others.
const CHANGED: &str = "notifications/tools/list_changed";

/// Reads a stream until this is in it.
async fn read_until(mut stream: reqwest::Response, wanted: &str) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = stream.chunk().await.unwrap();
        let chunk = chunk.unwrap_or_else(|| panic!("it ended before `{wanted}`: {text}"));
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn connected_hosts_hear_that_the_tools_are_others() {
    let mut supervisor = Supervisor::new();
    let url = supervisor.url();
    let mut old = supervisor.start(&[]).await;
    supervisor.begin(&mut old).await;
    let minted = format!("{url}/dev/token?user=alice&scope=orders:read");
    let token = reqwest::get(minted).await.unwrap().text().await.unwrap();
    // A session, whose client listens.
    let host = Host::connect(&url, &token).await;
    assert_eq!(host.welcome["capabilities"]["tools"]["listChanged"], true);
    let stream = host.http.get(&host.url).bearer_auth(&token);
    let stream = stream.header("accept", "text/event-stream");
    let stream = stream.header("mcp-session-id", &host.session);
    let stream = stream.header("mcp-protocol-version", "2025-11-25").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    // A subscription of 2026-07-28.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let filter = json!({ "notifications": { "toolsListChanged": true }, "_meta": meta });
    let subscription = Host { session: String::new(), ..host.clone() };
    let subscription = subscription.post("subscriptions/listen", filter);
    let subscription = subscription.header("mcp-protocol-version", "2026-07-28");
    let subscription = subscription.header("mcp-method", "subscriptions/listen");
    let mut subscription = subscription.send().await.unwrap();
    assert_eq!(subscription.status(), 200);
    let first = subscription.chunk().await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&first).contains(CHANGED));

    let mut new = supervisor.start(&[("VERSION", "2")]).await;
    supervisor.switch(&mut old, &mut new, |_| {}).await;
    read_until(stream, CHANGED).await;
    read_until(subscription, CHANGED).await;
    let list = host.post("tools/list", json!({})).send().await.unwrap().text().await.unwrap();
    assert!(list.contains(r#""name":"order""#), "{list}");
}

#[tokio::test]
async fn hosts_whose_session_is_a_connection_hear_it_too() {
    let mut supervisor = Supervisor::new();
    let url = supervisor.url();
    let mut old = supervisor.start(&[]).await;
    supervisor.begin(&mut old).await;
    let minted = format!("{url}/dev/token?user=alice&scope=orders:read");
    let opening = Opening::bearer(reqwest::get(minted).await.unwrap().text().await.unwrap());
    let address = supervisor.address.parse().unwrap();
    let mut hosts = Vec::new();
    for transport in Transport::CONNECTED {
        let mut host = Dialogue::begin(address, transport, &opening).await.unwrap();
        let answer = host.call("orders", json!({})).await.unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], "the orders of alice");
        hosts.push((transport, host));
    }
    let mut new = supervisor.start(&[("VERSION", "2")]).await;
    supervisor.switch(&mut old, &mut new, |_| {}).await;
    for (transport, mut host) in hosts {
        let message = host.receive().await;
        let message = message.unwrap_or_else(|| panic!("{transport:?} ended before"));
        assert_eq!(message["method"], CHANGED, "{transport:?}");
        // The connection ends, and a new one leads to the new tools.
        soon(host.end()).await;
        let mut host = Dialogue::begin(address, transport, &opening).await.unwrap();
        let list = host.ask("tools/list", json!({})).await.unwrap();
        assert!(list.to_string().contains(r#""name":"order""#), "{transport:?}: {list}");
    }
}

#[tokio::test]
async fn the_page_shows_builds_and_reloads() {
    let mut supervisor = Supervisor::new();
    let mut program = supervisor.start(&[]).await;
    let ready = supervisor.begin(&mut program).await;
    let page = Page::open(ready["inspector"].as_str().unwrap()).await;
    let failed = json!({ "type": "build", "state": "failed", "at": 1, "diagnostics": [] });
    program.say(&failed).await;
    let mut stream = page.listen().await;
    let mut text = String::new();
    // The page gets the build however late it comes, and what is written from then on.
    while !text.contains(r#""state":"failed""#) {
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.contains("event: build"), "{text}");
    program.say(&json!({ "type": "reload", "what": "views", "files": ["a.html"] })).await;
    read_until(stream, "event: reload").await;
}

#[tokio::test]
async fn a_program_whose_successor_fails_goes_on() {
    let mut supervisor = Supervisor::new();
    let url = supervisor.url();
    let mut old = supervisor.start(&[("STORE", "memory")]).await;
    supervisor.begin(&mut old).await;
    let (application, browser) = (Application::register_at(&url).await, Browser::new());
    let tokens = application.sign_in(&browser, "orders:read", "alice").await;
    let host = Host::connect(&url, &tokens.text("access_token")).await;
    connect_account(&host, &browser, &url).await;
    let new = supervisor.start(&[]).await;
    old.say(&json!({ "type": "hand_over" })).await;
    old.hear("state").await;
    // It fails while requests wait for it.
    let waiting = tokio::spawn(async move {
        let (orders, addresses) = (host.call("orders").await, host.call("addresses").await);
        (orders, addresses)
    });
    drop(new);
    old.say(&json!({ "type": "resume" })).await;
    let (orders, addresses) = waiting.await.unwrap();
    assert_eq!(orders, "the orders of alice");
    assert!(addresses.contains("alice@example.com"), "{addresses}");
}
