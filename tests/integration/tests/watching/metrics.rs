//! What is counted, on servers that do everything once.

use std::time::Duration;

use forge::{Config, person::Person};
use integration::{
    broker::{Application, Browser},
    client::{link_in, post_call, text_of},
    host::{Host, client_at},
    socket::Socket,
    tools::{Forge, add, list_issues, open_issue},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{grant::MemoryStore, telemetry::Metrics, tools};

use super::sum;

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":3}"#;

/// The text of a server after a consent, a refusal, refreshes, and calls that succeed and fail.
pub(super) async fn of_tools() -> String {
    let metrics = Metrics::new();
    let config = Config::default().access_ttl(Duration::from_secs(600));
    let host = Host::watched(config, &metrics).await;
    let list = async || post_call(&host.mcp(), "list_issues", ISSUES).await;
    Person::new("alice").deny(&link_in(&text_of(&list().await))).await.unwrap();
    Person::new("alice").approve(&link_in(&text_of(&list().await))).await.unwrap();
    list().await;
    host.advance(Duration::from_secs(601));
    let held = host.forge.faults().hold_token();
    tokio::join!(list(), list(), async {
        // The answer is held back until the second call waits for it.
        while !metrics.to_string().contains("refreshes_joined_total") {
            tokio::task::yield_now().await;
        }
        drop(held);
    });
    host.forge.expire_access_tokens();
    list().await;
    host.forge.faults().api_status(1, 500, None);
    list().await;
    host.forge.faults().api_status(1, 429, Some(1));
    list().await;
    post_call(&host.mcp(), "panics", r#"{"secret":"x"}"#).await;
    post_call(&host.mcp(), "add", r#"{"a":"x"}"#).await;
    post_call(&host.mcp(), "no_such_tool", "{}").await;
    host.advance(Duration::from_secs(601));
    host.forge.faults().token_status(5, 503);
    list().await;
    let url = host.mcp();
    let url = url.trim_end_matches("/mcp");
    end(url, &begin(url).await).await;
    metrics.to_string()
}

/// Begins a session, and returns its identifier.
async fn begin(url: &str) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let request = reqwest::Client::new()
        .post(format!("{url}/mcp"))
        .header("accept", "application/json, text/event-stream")
        .json(&body);
    let response = request.send().await.unwrap();
    let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    response.bytes().await.unwrap();
    id
}

/// Ends a session, and returns the status.
async fn end(url: &str, session: &str) -> u16 {
    let request = reqwest::Client::new().delete(format!("{url}/mcp"));
    let request = request.header("mcp-session-id", session);
    request.header("mcp-protocol-version", "2025-11-25").send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_session_is_measured_when_its_end_is_known() {
    let metrics = Metrics::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let app = toolgate::Server::new("watched", "1")
        .tools(tools![add])
        .websocket()
        .public_url(url.as_str())
        .metrics(metrics.clone())
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    let name = "mcp_server_session_duration_seconds_count";
    let ended = |transport: &str| sum(&metrics.to_string(), name, &[&format!("\"{transport}\"")]);

    let (first, second) = (begin(&url).await, begin(&url).await);
    assert_eq!(ended("http"), 0);
    assert_eq!(end(&url, &first).await, 202);
    assert_eq!(ended("http"), 1);
    // Without a gate these are answered as any others.
    end(&url, &first).await;
    end(&url, "nonsense").await;
    assert_eq!(ended("http"), 1, "it ends once");
    assert_eq!(end(&url, &second).await, 202);
    assert_eq!(ended("http"), 2);

    drop(Socket::begin(address, "", json!({})).await);
    let seen = async {
        while ended("websocket") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.expect("its connection has ended");
    assert_eq!((ended("http"), ended("websocket")), (2, 1));
}

/// A request to the endpoint at `url`.
async fn send(url: &str, token: &str, (method, name): (&str, Option<&str>), params: Value) {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = reqwest::Client::new()
        .post(format!("{url}/mcp"))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .bearer_auth(token)
        .json(&body);
    if let Some(name) = name {
        request = request.header("mcp-name", name);
    }
    request.send().await.unwrap().bytes().await.unwrap();
}

/// The text of a server with a broker, after a sign-in, its refusals, and calls.
pub(super) async fn of_broker() -> String {
    let metrics = Metrics::new();
    let forge = forge::start(Config::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = toolgate::Server::new("watched", "1")
        .provider(client_at(forge.url()))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .tools(tools![list_issues, open_issue])
        .store(MemoryStore::new())
        .public_url(url.as_str())
        .metrics(metrics.clone())
        .build()
        .await
        .unwrap();
    integration::host::serve_at(listener, app.into_router());
    let host = Application::register_at(&url).await;
    let browser = Browser::new();
    let token = host.sign_in(&browser, "repo:read", "alice").await.text("access_token");
    let arguments = json!({ "owner": "alice", "repo": "compass" });
    let call = |tool| json!({ "name": tool, "arguments": arguments });
    send(&url, &token, ("tools/call", Some("list_issues")), call("list_issues")).await;
    send(&url, &token, ("tools/call", Some("open_issue")), call("open_issue")).await;
    send(&url, "nonsense", ("tools/call", Some("list_issues")), call("list_issues")).await;
    for _ in 0..2 {
        send(&url, &token, ("tools/list", None), json!({})).await;
    }
    send(&url, &token, ("no/such/method", None), json!({})).await;
    let client = reqwest::Client::new();
    client.put(format!("{url}/mcp")).send().await.unwrap();
    client.post(format!("{url}/oauth/register")).json(&json!({})).send().await.unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", "x"), ("refresh_token", "x")];
    client.post(format!("{url}/oauth/token")).form(&form).send().await.unwrap();
    browser.open(&host.with_id("http://127.0.0.1:1/client").link("repo:read", &[])).await;
    metrics.to_string()
}

#[tokio::test]
async fn calls_consents_refreshes_and_requests_are_counted() {
    let text = of_tools().await;
    let calls = |labels: &[&str]| sum(&text, "toolgate_tool_calls_total", labels);
    let listed = r#"gen_ai_tool_name="list_issues""#;
    assert!(calls(&[listed, r#"outcome="consent_asked""#]) >= 2, "{text}");
    assert_eq!(calls(&[listed, r#"outcome="done""#]), 4, "{text}");
    assert_eq!(calls(&[listed, r#"error="upstream_refused""#]), 2, "{text}");
    assert_eq!(calls(&[r#"error="internal""#, r#"gen_ai_tool_name="panics""#]), 1, "{text}");
    assert_eq!(calls(&[r#"error="invalid_argument""#, r#"="add""#]), 1, "{text}");

    let operations =
        |labels: &[&str]| sum(&text, "mcp_server_operation_duration_seconds_count", labels);
    let all = calls(&[]);
    let by_name = [r#"mcp_method_name="tools/call""#, r#"operation_name="execute_tool""#];
    assert_eq!(operations(&by_name), all, "each call is measured: {text}");
    let unknown = [r#"gen_ai_tool_name="""#, r#"error_type="-32602""#];
    assert_eq!(operations(&unknown), 1, "a tool that does not exist has no name: {text}");

    let forge = r#"provider="forge""#;
    let asked = [forge, r#"reason="not_connected""#];
    assert!(sum(&text, "toolgate_consent_asked_total", &asked) >= 2, "{text}");
    let ended = |failure| sum(&text, "toolgate_consent_ended_total", &[forge, failure]);
    assert_eq!((ended(r#"failure="access_denied""#), ended(r#"failure="""#)), (1, 1), "{text}");

    let refreshed =
        |outcome| sum(&text, "toolgate_grant_refresh_duration_seconds_count", &[forge, outcome]);
    assert_eq!(refreshed(r#"outcome="renewed""#), 2, "{text}");
    assert_eq!(refreshed(r#"outcome="unreachable""#) + refreshed(r#"outcome="busy""#), 1, "{text}");
    assert_eq!(sum(&text, "toolgate_grant_refreshes_joined_total", &[forge]), 1, "{text}");

    let upstream =
        |outcome| sum(&text, "toolgate_upstream_request_duration_seconds_count", &[forge, outcome]);
    assert_eq!(upstream(r#"outcome="401""#), 1, "{text}");
    assert_eq!((upstream(r#"outcome="5xx""#), upstream(r#"outcome="429""#)), (1, 1), "{text}");
    let repeated = [forge, r#"cause="new_token""#];
    assert_eq!(sum(&text, "toolgate_upstream_repeated_total", &repeated), 1, "{text}");

    let read = [r#"operation="load_grant""#, r#"outcome="done""#];
    assert!(sum(&text, "toolgate_store_operation_duration_seconds_count", &read) > 3, "{text}");
    let exchanged = [r#"flow="consent""#, r#"outcome="done""#];
    let name = "toolgate_oauth_code_exchange_duration_seconds_count";
    assert_eq!(sum(&text, name, &exchanged), 1, "{text}");
}

#[tokio::test]
async fn sign_ins_and_refusals_are_counted() {
    let text = of_broker().await;
    for (name, labels, count) in [
        ("toolgate_broker_clients_registered_total", "", 1),
        ("toolgate_broker_consents_total", r#"decision="allowed""#, 1),
        ("toolgate_broker_tokens_issued_total", r#"grant_type="authorization_code""#, 1),
        ("toolgate_broker_refusals_total", r#"endpoint="register""#, 1),
        ("toolgate_broker_refusals_total", r#"endpoint="token""#, 1),
        ("toolgate_broker_documents_fetched_total", "outcome=", 1),
        ("toolgate_gate_token_refusals_total", r#"check="form""#, 1),
        ("toolgate_gate_step_ups_total", "outcome=", 1),
        ("toolgate_gate_request_refusals_total", r#"reason="method""#, 1),
        ("mcp_server_operation_duration_seconds_count", r#"mcp_method_name="tools/list""#, 2),
        ("mcp_server_operation_duration_seconds_count", r#"mcp_method_name="_OTHER""#, 1),
        ("mcp_server_operation_duration_seconds_count", r#"error_type="insufficient_scope""#, 1),
    ] {
        assert_eq!(sum(&text, name, &[labels]), count, "{name} {labels} in\n{text}");
    }
    for stranger in ["nonsense", "no/such", "alice", "127.0.0.1"] {
        assert!(!text.contains(stranger), "{stranger} in\n{text}");
    }
}
