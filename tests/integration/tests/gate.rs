//! A server with a gate: who may connect, who may call what, and how the others are refused.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use forge::Config;
use integration::{
    client::{link_in, params, text_of},
    host::client_at,
    tools::{list_issues, open_issue},
};
use rmcp::{
    ServiceExt, transport::StreamableHttpClientTransport,
    transport::streamable_http_client::StreamableHttpClientTransportConfig,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use toolgate::{
    client::http::HeaderMap,
    gate::{AuthError, BrowserIdentity, Claims, Gate, PresentedToken, Verifier, async_trait},
    grant::{ManualClock, MemoryStore},
    prelude::*,
};

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", implies(Read))]
    Write,
}

/// Says whose orders these are.
#[tool(scopes = "orders:read")]
async fn orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn order(caller: Caller<Acme>) -> String {
    format!("ordered for {}", caller.subject())
}

/// Says hello.
#[tool]
async fn hello(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "hello".to_owned(), |caller| format!("hello {}", caller.subject()))
}

/// Shows what came with the request.
#[tool]
async fn headers(context: Context) -> String {
    let parts =
        context.request().and_then(|request| request.extensions.get::<http::request::Parts>());
    parts.map(|parts| format!("{:?}", parts.headers)).unwrap_or_default()
}

/// Tokens that say who they are of: `alice:orders:read,orders:write`.
struct Spelled(Arc<ManualClock>);

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let (subject, scopes) = match presented.credentials.token().split_once('.') {
            Some(("down", _)) => {
                return Err(AuthError::Unavailable { retry_after: Duration::from_secs(7) });
            }
            Some(("old", _)) => return Err(AuthError::Expired { ago: Duration::from_secs(3) }),
            Some(pair) => pair,
            None => return Err(AuthError::BadSignature),
        };
        let scopes = scopes.split('.').map(|scope| scope.replace('-', ":"));
        let claims = Claims::new("https://login.example", subject).scopes(scopes);
        // 30 s are how far clocks may differ: a brief token ends in a quarter of a second.
        let now = toolgate::grant::Clock::now(&*self.0);
        let claims = claims.expires_at(match subject {
            "brief" => now - Duration::from_millis(29_750),
            _ => now + Duration::from_secs(60),
        });
        Ok(if subject == "robot" { claims.client_credentials() } else { claims })
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

/// The application's own sessions: a cookie that says who it is.
struct Cookie;

#[async_trait]
impl BrowserIdentity for Cookie {
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError> {
        let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
        let name = cookie.and_then(|cookie| cookie.strip_prefix("person="));
        Ok(name.map(|name| Claims::new("https://login.example", name)))
    }

    fn sign_in(&self, path: &str) -> String {
        format!("/login?next={path}")
    }
}

struct Guarded {
    url: String,
    address: SocketAddr,
    _forge: forge::Running,
}

impl Guarded {
    async fn start(configure: impl FnOnce(Gate) -> Gate) -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/mcp");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let gate = configure(Gate::new(Spelled(clock.clone())).browser(Cookie).resource(&url));
        let app = toolgate::Server::new("guarded", "1")
            .provider(client_at(forge.url()))
            .tools(tools![orders, order, hello, headers, list_issues, open_issue])
            .store(MemoryStore::with_clock(clock.clone()))
            .clock(clock.clone())
            .gate(gate)
            .build()
            .await
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, app.into_router()).await });
        Self { url, address, _forge: forge }
    }

    async fn post(&self, token: &str, body: &Value, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .json(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> reqwest::Response {
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        self.post(token, &call(tool, arguments), &modern).await
    }
}

fn call(tool: &str, arguments: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }})
}

fn challenge(response: &reqwest::Response) -> String {
    response.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_has_no_token_learns_where_to_get_one() {
    let guarded = Guarded::start(|gate| gate).await;
    let refused = guarded.call("", "hello", json!({})).await;
    assert_eq!(refused.status(), 401);
    let challenge = challenge(&refused);
    assert!(!challenge.contains("error"), "nothing was wrong with what did not come: {challenge}");
    assert!(challenge.contains(r#"scope="orders:read""#), "{challenge}");
    let start = challenge.find("resource_metadata=\"").unwrap() + 19;
    let document = challenge[start..].trim_end_matches('"');
    assert!(document.ends_with("/.well-known/oauth-protected-resource/mcp"), "{document}");

    let root = document.strip_suffix("/mcp").unwrap();
    for url in [document, root] {
        let metadata: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert_eq!(metadata["resource"], guarded.url.as_str());
        assert_eq!(metadata["authorization_servers"], json!(["https://login.example"]));
        assert_eq!(metadata["scopes_supported"], json!(["orders:read"]), "what only reads");
    }
    let elsewhere = reqwest::get(format!("{root}/other")).await.unwrap();
    assert_eq!(elsewhere.status(), 404);
}

#[tokio::test]
async fn each_fault_of_a_token_is_told_apart() {
    let guarded = Guarded::start(|gate| gate).await;
    for (token, status, error, says) in [
        ("old.x", 401, "invalid_token", "expired 3 s ago"),
        ("nobody", 401, "invalid_token", "signature"),
        ("alice.orders-raed", 403, "insufficient_scope", "orders:read"),
    ] {
        let refused = guarded.call(token, "orders", json!({})).await;
        assert_eq!(refused.status(), status, "{token}");
        let challenge = challenge(&refused);
        assert!(challenge.contains(&format!(r#"error="{error}""#)), "{challenge}");
        assert!(challenge.contains(says), "{challenge}");
        assert!(!challenge.contains(token), "{challenge}");
    }
    let unknown = guarded.call("down.x", "orders", json!({})).await;
    assert_eq!(unknown.status(), 503);
    assert_eq!(unknown.headers()["retry-after"], "7");
}

#[tokio::test]
async fn scopes_decide_and_what_they_imply_counts() {
    let guarded = Guarded::start(|gate| gate).await;
    for (token, tool, status) in [
        ("alice.orders-read", "orders", 200),
        ("alice.orders-write", "orders", 200),
        ("alice.orders-write", "order", 200),
        ("alice.orders-read", "order", 403),
        ("alice.", "orders", 403),
        ("alice.", "hello", 200),
    ] {
        let response = guarded.call(token, tool, json!({})).await;
        assert_eq!(response.status(), status, "{token} {tool}");
    }
    let unknown: Value = guarded.call("alice.", "nothing", json!({})).await.json().await.unwrap();
    assert_eq!(unknown["error"]["code"], -32602, "a tool that is not there is no matter of scopes");
    let said = guarded.call("alice.orders-read", "orders", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "the orders of alice");
}

#[tokio::test]
async fn clients_of_2025_are_told_what_they_have_as_well() {
    let guarded = Guarded::start(|gate| gate).await;
    let body = call("order", json!({}));
    let modern = guarded.call("alice.mail", "order", json!({})).await;
    assert!(challenge(&modern).contains(r#"scope="orders:write""#), "{}", challenge(&modern));
    let legacy = guarded.post("alice.mail", &body, &[("mcp-protocol-version", "2025-11-25")]).await;
    assert_eq!(legacy.status(), 403);
    assert!(challenge(&legacy).contains(r#"scope="orders:write mail""#), "{}", challenge(&legacy));
}

#[tokio::test]
async fn what_is_called_is_what_the_body_says() {
    let guarded = Guarded::start(|gate| gate).await;
    let escaped =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"\u006frder"}}"#;
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","name":"order"}}"#;
    let nested = r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"order"}}"#;
    let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"order"}}"#;
    for version in ["2025-11-25", "2025-06-18", "2026-07-28", "nonsense", ""] {
        for body in [escaped, twice, nested, plain] {
            let mut request = reqwest::Client::new()
                .post(&guarded.url)
                .bearer_auth("alice.orders-read")
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "hello")
                .body(body);
            if !version.is_empty() {
                request = request.header("mcp-protocol-version", version);
            }
            let answer = request.send().await.unwrap().text().await.unwrap();
            assert!(!answer.contains("ordered for"), "{version} {body}: {answer}");
        }
    }
}

#[tokio::test]
async fn nothing_of_a_body_is_read_for_a_stranger() {
    let guarded = Guarded::start(|gate| gate).await;
    let host = guarded.address;
    for headers in [
        "content-length: 209715200\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 209715200\r\nauthorization: Bearer nobody\r\n",
    ] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{headers}\r\n"
        );
        // Not one byte of the body is sent, and the answer comes all the same.
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(
            answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.1 413"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_session_belongs_to_who_began_it() {
    let guarded = Guarded::start(|gate| gate).await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }});
    let began = guarded.post("alice.orders-read", &initialize, &[]).await;
    let session = began.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let with_session =
        [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let goes_on = guarded.post("alice.orders-read", &initialized, &with_session).await;
    assert_eq!(goes_on.status(), 202);

    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let stolen = guarded.post("bob.orders-read", &list, &with_session).await;
    assert_eq!(stolen.status(), 404);
    let client = reqwest::Client::new();
    for request in [client.get(&guarded.url), client.delete(&guarded.url)] {
        let stolen = request
            .bearer_auth("bob.orders-read")
            .header("mcp-session-id", &session)
            .header("accept", "text/event-stream")
            .header("last-event-id", "0")
            .send()
            .await
            .unwrap();
        assert_eq!(stolen.status(), 404);
    }
    let mine = guarded.post("alice.orders-read", &list, &with_session).await;
    assert_eq!(mine.status(), 200, "it was not ended by the attempts");
    let events = mine.text().await.unwrap();
    let answer = events.lines().find_map(|line| line.strip_prefix("data: {")).unwrap();
    let answer: Value = serde_json::from_str(&format!("{{{answer}")).unwrap();
    assert_eq!(
        answer["result"]["tools"][0]["securitySchemes"],
        json!([{ "type": "oauth2", "scopes": ["orders:read"] }]),
        "clients of 2025 see them as well"
    );
}

#[tokio::test]
async fn a_stream_ends_with_the_token() {
    let guarded = Guarded::start(|gate| gate).await;
    let transport = StreamableHttpClientTransport::from_config(
        StreamableHttpClientTransportConfig::with_uri(guarded.url.as_str())
            .auth_header("alice.orders-read"),
    );
    let client = ().serve(transport).await.unwrap();
    let said = client.call_tool(params("orders", json!({}))).await.unwrap();
    assert_eq!(said.is_error, Some(false));
    client.cancel().await.unwrap();

    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }});
    let began = guarded.post("brief.x", &initialize, &[]).await;
    let stream = reqwest::Client::new()
        .get(&guarded.url)
        .bearer_auth("brief.x")
        .header("mcp-session-id", began.headers()["mcp-session-id"].clone())
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    let rest = tokio::time::timeout(Duration::from_secs(10), stream.text()).await;
    assert!(rest.is_ok(), "nothing was said, and it ended");
}

#[tokio::test]
async fn public_tools_need_no_token_and_the_others_do() {
    let guarded = Guarded::start(|gate| gate.allow_anonymous(true)).await;
    let said = guarded.call("", "hello", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "hello");
    let said = guarded.call("alice.x", "hello", json!({})).await;
    assert_eq!(text_of(&said.json().await.unwrap()), "hello alice");
    let refused = guarded.call("", "order", json!({})).await;
    assert_eq!(refused.status(), 401);
    assert!(challenge(&refused).contains(r#"scope="orders:write""#));
    let refused = guarded.call("", "list_issues", json!({ "owner": "a", "repo": "b" })).await;
    assert_eq!(refused.status(), 401, "whose account would it be?");
    let refused = guarded.call("nobody", "hello", json!({})).await;
    assert_eq!(refused.status(), 401, "a bad token is not no token");
}

#[tokio::test]
async fn hosts_that_read_results_only_are_told_there() {
    let guarded =
        Guarded::start(|gate| gate.allow_anonymous(true).challenge_in_results(true)).await;
    for (token, error) in [("", "invalid_token"), ("alice.orders-read", "insufficient_scope")] {
        let told = guarded.call(token, "order", json!({})).await;
        assert_eq!(told.status(), 200);
        let told: Value = told.json().await.unwrap();
        assert_eq!(told["result"]["isError"], true);
        let challenge = told["result"]["_meta"]["mcp/www_authenticate"][0].as_str().unwrap();
        assert!(challenge.contains(error) && challenge.contains("orders:write"), "{challenge}");
        assert!(challenge.contains("error_description"), "{challenge}");
    }
}

#[tokio::test]
async fn what_is_hidden_is_refused_too() {
    let guarded = Guarded::start(|gate| gate.hide_unauthorized_tools(true)).await;
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let modern = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    let listed: Value =
        guarded.post("alice.orders-read", &list, &modern).await.json().await.unwrap();
    let names: Vec<_> =
        listed["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["orders", "hello", "headers", "list_issues", "open_issue"]);
    assert_eq!(listed["result"]["cacheScope"], "private");
    let schemes = &listed["result"]["tools"][0]["_meta"]["securitySchemes"];
    assert_eq!(*schemes, json!([{ "type": "oauth2", "scopes": ["orders:read"] }]));
    assert_eq!(listed["result"]["tools"][0]["securitySchemes"], *schemes);
    let refused = guarded.call("alice.orders-read", "order", json!({})).await;
    assert_eq!(refused.status(), 403);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call_unless_they_are_named() {
    let guarded = Guarded::start(|gate| gate.allow_origin("https://app.example")).await;
    for (header, value, status) in [
        ("origin", "https://app.example", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "https://app.example.evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
    ] {
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "hello"),
            (header, value),
        ];
        let response = guarded.post("alice.x", &call("hello", json!({})), &modern).await;
        assert_eq!(response.status(), status, "{header}: {value}");
    }
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, &guarded.url)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,mcp-protocol-version")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.headers()["access-control-allow-origin"], "https://app.example");
}

#[tokio::test]
async fn a_machine_is_told_that_a_person_is_needed() {
    let guarded = Guarded::start(|gate| gate).await;
    let arguments = json!({ "owner": "alice", "repo": "compass" });
    let told = guarded.call("robot.x", "list_issues", arguments.clone()).await;
    let told = text_of(&told.json().await.unwrap());
    assert!(told.contains("a person has to connect"), "{told}");
    let asked = guarded.call("alice.x", "list_issues", arguments).await;
    assert!(text_of(&asked.json().await.unwrap()).contains("/connect/"));
}

#[tokio::test]
async fn a_tool_does_not_see_the_token() {
    let guarded = Guarded::start(|gate| gate).await;
    let seen = guarded.call("alice.secret", "headers", json!({})).await;
    let seen = text_of(&seen.json().await.unwrap());
    assert!(seen.contains("mcp-name"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn nobody_connects_an_account_for_another_person() {
    let guarded = Guarded::start(|gate| gate).await;
    let arguments = json!({ "owner": "alice", "repo": "compass" });
    let asked = guarded.call("alice.x", "list_issues", arguments.clone()).await;
    let link = link_in(&text_of(&asked.json().await.unwrap()));
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let browser = browser.build().unwrap();
    let open =
        async |cookie: &str| browser.get(&link).header("cookie", cookie).send().await.unwrap();

    let bob = open("person=bob").await;
    assert_eq!(bob.status(), 403);
    assert!(bob.text().await.unwrap().contains("another person"));
    let nobody = open("").await;
    let sign_in = nobody.headers()["location"].to_str().unwrap();
    assert!(sign_in.starts_with("/login?next=/connect/"), "{sign_in}");
    let alice = open("person=alice").await;
    assert!(alice.headers()["location"].to_str().unwrap().contains("/oauth/authorize"));
}

#[tokio::test]
async fn a_server_that_cannot_tell_whose_browser_it_is_does_not_start() {
    let clock = Arc::new(ManualClock::at(SystemTime::now()));
    let server = toolgate::Server::new("guarded", "1")
        .provider(client_at("http://127.0.0.1:1"))
        .tools(tools![list_issues])
        .gate(Gate::new(Spelled(clock)));
    let refused = server.build().await.unwrap_err().to_string();
    assert!(refused.contains("whose browser opens the link"), "{refused}");
    assert!(refused.contains("Gate::sign_in"), "{refused}");
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let guarded = Guarded::start(|gate| gate.rate_limit_per_subject(3)).await;
    for _ in 0..3 {
        assert_eq!(guarded.call("alice.x", "hello", json!({})).await.status(), 200);
    }
    // Another token of hers does not help, and nobody else suffers.
    let refused = guarded.call("alice.y", "hello", json!({})).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "20");
    assert_eq!(guarded.call("bob.x", "hello", json!({})).await.status(), 200);
}

#[tokio::test]
async fn so_many_calls_are_under_way_at_once() {
    let guarded = Guarded::start(|gate| gate.max_concurrent_per_subject(1)).await;
    let mut slow = TcpStream::connect(guarded.address).await.unwrap();
    let host = guarded.address;
    // A call whose body does not end holds the turn.
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer alice.x\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let length = slow.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 100"), "it is let in, and the body awaited");
    assert_eq!(guarded.call("alice.x", "hello", json!({})).await.status(), 429);
    assert_eq!(guarded.call("bob.x", "hello", json!({})).await.status(), 200);
    drop(slow);
}
