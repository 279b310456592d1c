//! Spans and metrics, as a collector gets them from a program.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use forge::{Config, person::Person};
use integration::{
    broker::listen,
    client::{link_in, message_request, text_of},
    ports::free_port,
};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

/// How long what is sent may take to arrive.
const MAX_WAIT: Duration = Duration::from_secs(60);

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "5bf92f3577b34da6a3ce929d0e0e4736";
const OF_REFRESH: &str = "6bf92f3577b34da6a3ce929d0e0e4736";
const OF_HTTP: &str = "00-11111111111111111111111111111111-2222222222222222-01";

/// What a collector got.
#[derive(Clone, Default)]
struct Collector(Arc<Received>);

#[derive(Default)]
struct Received {
    spans: Mutex<Vec<Span>>,
    metrics: Mutex<Vec<String>>,
    services: Mutex<Vec<String>>,
    came: tokio::sync::Notify,
}

impl Collector {
    /// Starts one, and returns it with its URL.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let state = collector.clone();
        let url = listen(|_| {
            Router::new()
                .route("/v1/traces", post(traces))
                .route("/v1/metrics", post(metrics))
                .with_state(state)
        });
        (collector, url.await)
    }

    /// Waits for a span that `fits`.
    async fn span(&self, fits: impl Fn(&Span) -> bool) -> Span {
        let found = async {
            loop {
                let came = self.0.came.notified();
                if let Some(span) = self.0.spans.lock().unwrap().iter().find(|it| fits(it)) {
                    return span.clone();
                }
                came.await;
            }
        };
        let names = || -> Vec<String> {
            self.0.spans.lock().unwrap().iter().map(|span| span.name.clone()).collect()
        };
        timeout(MAX_WAIT, found).await.unwrap_or_else(|_| panic!("among {:?}", names()))
    }

    /// Waits for a metric of this name.
    async fn metric(&self, name: &str) {
        let found = async {
            loop {
                let came = self.0.came.notified();
                if self.0.metrics.lock().unwrap().iter().any(|found| found == name) {
                    return;
                }
                came.await;
            }
        };
        timeout(MAX_WAIT, found).await.unwrap_or_else(|_| panic!("{name}"));
    }
}

async fn traces(State(Collector(received)): State<Collector>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap_or_default();
        received.services.lock().unwrap().extend(text(&resource.attributes, "service.name"));
        let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        received.spans.lock().unwrap().extend(spans);
    }
    received.came.notify_waiters();
}

async fn metrics(State(Collector(received)): State<Collector>, body: Bytes) {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let of_scopes = request.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
    let names = of_scopes.flat_map(|it| it.metrics).map(|metric| metric.name);
    received.metrics.lock().unwrap().extend(names);
    received.came.notify_waiters();
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

async fn call(url: &str, tool: &str, arguments: Value, trace: &Value) -> Value {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for (name, value) in trace.as_object().unwrap() {
        meta[name] = value.clone();
    }
    let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = message_request(&format!("{url}/mcp"), &body).header("traceparent", OF_HTTP);
    request.send().await.unwrap().json().await.unwrap()
}

async fn address(program: &mut Child) -> String {
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let url = first.split("http://").nth(1).unwrap();
    format!("http://{}", url.split('/').next().unwrap())
}

#[tokio::test]
async fn a_collector_gets_a_call_with_its_requests_in_the_trace_of_the_client() {
    let (collector, endpoint) = Collector::start().await;
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_served"))
        .args(["--http", "127.0.0.1:0"])
        .env("FORGE_URL", forge.url())
        .env("TOOLGATE_DATA", data.path())
        .env_remove("TOOLGATE_KEY")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .env("OTEL_SERVICE_NAME", "orders")
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = address(&mut program).await;
    let issues = json!({ "owner": "alice", "repo": "compass", "limit": 3 });
    let asked = call(&url, "list_issues", issues.clone(), &json!({})).await;
    Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
    let trace = json!({ "traceparent": PARENT, "tracestate": "a=b", "baggage": "k=v" });
    let listed = call(&url, "list_issues", issues, &trace).await;
    assert_eq!(listed["result"]["isError"], false, "{listed}");

    let of_client = |span: &Span| hex(&span.trace_id) == "4bf92f3577b34da6a3ce929d0e0e4736";
    let of_call = |span: &Span| of_client(span) && span.name == "tools/call list_issues";
    let span = collector.span(of_call).await;
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7", "the client's span is its parent");
    assert_eq!(span.trace_state, "a=b");
    assert_eq!(span.kind, 2, "a server's");
    let [link] = &span.links[..] else { panic!("the HTTP request is a link: {span:?}") };
    assert_eq!(hex(&link.span_id), "2222222222222222");
    for (name, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "list_issues"),
        ("gen_ai.operation.name", "execute_tool"),
        ("toolgate.outcome", "done"),
    ] {
        assert_eq!(text(&span.attributes, name).as_deref(), Some(value), "{span:?}");
    }
    let request = collector.span(|span| of_client(span) && span.name == "GET").await;
    assert_eq!(request.parent_span_id, span.span_id, "the call is the parent of its requests");
    assert_eq!(request.kind, 3, "a client's");
    assert_eq!(
        text(&request.attributes, "url.template").as_deref(),
        Some("/repos/{}/{}/issues"),
        "without values"
    );
    assert_eq!(text(&request.attributes, "http.response.status_code").as_deref(), Some("200"));

    // The store was read for the call, and for nothing else of it.
    let load = |span: &Span| of_client(span) && span.name == "toolgate.store.load_grant";
    let load = collector.span(load).await;
    assert_eq!(load.parent_span_id, span.span_id, "{load:?}");
    assert_eq!(text(&load.attributes, "toolgate.outcome").as_deref(), Some("done"));

    // The consent belongs to the call that asked, which had begun a trace of its own.
    let asking = collector
        .span(|span| span.name == "tools/call list_issues" && span.parent_span_id.is_empty())
        .await;
    let of_asking = |span: &Span| span.trace_id == asking.trace_id;
    let consent = collector.span(|span| span.name == "toolgate.consent").await;
    assert!(of_asking(&consent), "{consent:?}");
    assert_eq!(consent.parent_span_id, asking.span_id);
    assert_eq!(text(&consent.attributes, "toolgate.provider").as_deref(), Some("forge"));
    assert!(consent.start_time_unix_nano < consent.end_time_unix_nano, "{consent:?}");
    assert!(consent.end_time_unix_nano > asking.end_time_unix_nano, "it ends after the call");
    let exchange = collector.span(|span| span.name == "toolgate.oauth.code_exchange").await;
    assert!(of_asking(&exchange) && exchange.parent_span_id == consent.span_id, "{exchange:?}");
    assert_eq!(exchange.kind, 3, "a client's");
    let saved = collector.span(|span| span.name == "toolgate.store.save_grant").await;
    assert!(of_asking(&saved) && saved.parent_span_id == consent.span_id, "{saved:?}");

    let unsampled = json!({ "traceparent": format!("00-{UNSAMPLED}-00f067aa0ba902b7-00") });
    call(&url, "add", json!({ "a": 1, "b": 2 }), &unsampled).await;
    call(&url, "add", json!({ "a": "x" }), &json!({})).await;
    let failed = collector.span(|span| span.name == "tools/call add").await;
    assert_eq!(text(&failed.attributes, "error.type").as_deref(), Some("tool_error"));
    assert_eq!(failed.status.as_ref().unwrap().code(), StatusCode::Error);
    assert!(failed.parent_span_id.is_empty(), "a trace begins: {failed:?}");
    let spans = collector.0.spans.lock().unwrap().clone();
    assert!(spans.iter().all(|span| hex(&span.trace_id) != UNSAMPLED), "as the client asks");
    for name in [
        "mcp.server.operation.duration",
        "toolgate.upstream.request.duration",
        "toolgate.store.operation.duration",
        "toolgate.consent.asked",
        "toolgate.consent.ended",
    ] {
        collector.metric(name).await;
    }
    assert!(collector.0.services.lock().unwrap().iter().all(|name| name == "orders"));
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "each span has an identifier of its own");
    let sent = format!("{spans:?}");
    for private in ["compass", "alice", "access_token"] {
        assert!(!sent.contains(private), "{private}: {sent}");
    }
}

#[tokio::test]
async fn a_refused_consent_and_a_refresh_are_in_the_trace_of_their_calls() {
    let (collector, endpoint) = Collector::start().await;
    let config = Config::default().access_ttl(Duration::from_secs(1));
    let forge = forge::start(config).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let start = |address: &str| {
        Command::new(env!("CARGO_BIN_EXE_served"))
            .args(["--http", address])
            .env("FORGE_URL", forge.url())
            .env("TOOLGATE_DATA", data.path())
            .env("XDG_CONFIG_HOME", data.path())
            .env_remove("TOOLGATE_KEY")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
            .env("OTEL_BSP_SCHEDULE_DELAY", "50")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    };
    // The next process takes it again.
    let listens = format!("127.0.0.1:{}", free_port());
    let mut program = start(&listens);
    let url = address(&mut program).await;
    let issues = json!({ "owner": "alice", "repo": "compass", "limit": 3 });
    let trace = json!({ "traceparent": PARENT });
    let asked = call(&url, "list_issues", issues.clone(), &trace).await;
    // The process that asked is gone when the browser comes back.
    program.kill().await.unwrap();
    let mut program = start(&listens);
    assert_eq!(address(&mut program).await, url);
    Person::new("alice").deny(&link_in(&text_of(&asked))).await.unwrap();
    let refused = collector.span(|span| span.name == "toolgate.consent").await;
    assert_eq!(hex(&refused.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(text(&refused.attributes, "error.type").as_deref(), Some("access_denied"));
    assert_eq!(refused.status.as_ref().unwrap().code(), StatusCode::Error);

    let asked = call(&url, "list_issues", issues.clone(), &json!({})).await;
    Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
    let trace = json!({ "traceparent": format!("00-{OF_REFRESH}-00f067aa0ba902b7-01") });
    let refresh = async {
        loop {
            call(&url, "list_issues", issues.clone(), &trace).await;
            let spans = collector.0.spans.lock().unwrap();
            if spans.iter().any(|span| span.name == "toolgate.grant.refresh") {
                break;
            }
        }
    };
    timeout(MAX_WAIT, refresh).await.expect("the token is due within a second");
    let refresh = collector.span(|span| span.name == "toolgate.grant.refresh").await;
    assert_eq!(hex(&refresh.trace_id), OF_REFRESH, "{refresh:?}");
    let saved = |span: &Span| {
        span.name == "toolgate.store.save_grant" && span.parent_span_id == refresh.span_id
    };
    assert_eq!(collector.span(saved).await.trace_id, refresh.trace_id);
}

#[tokio::test]
async fn a_client_over_standard_input_has_one_session_until_its_input_ends() {
    let (mut program, input, collector, _data) = over_standard_input().await;
    drop(input);
    assert!(program.wait().await.unwrap().success());
    collector.metric("mcp.server.session.duration").await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_waits_for_the_collector_is_sent_when_a_signal_ends_the_program() {
    use rustix::process::{Pid, Signal, kill_process};

    let (mut program, _input, collector, _data) = over_standard_input().await;
    let id = i32::try_from(program.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    assert!(program.wait().await.unwrap().success());
    collector.metric("mcp.server.session.duration").await;
}

/// A program with a client that has introduced itself, its input, its collector, and its directory.
async fn over_standard_input() -> (Child, ChildStdin, Collector, TempDir) {
    let (collector, endpoint) = Collector::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_served"))
        .arg("--stdio")
        .env("FORGE_URL", "http://127.0.0.1:9")
        .env("TOOLGATE_DATA", data.path())
        .env("XDG_CONFIG_HOME", data.path())
        .env_remove("TOOLGATE_KEY")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let mut input = program.stdin.take().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    input.write_all(format!("{initialize}\n").as_bytes()).await.unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().contains("serverInfo"));
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    input.write_all(format!("{initialized}\n{ping}\n").as_bytes()).await.unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().contains("\"id\":1"));
    (program, input, collector, data)
}
