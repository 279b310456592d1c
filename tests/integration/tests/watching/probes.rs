//! The management listener of a program, and of servers whose store or issuer is away.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use forge::{Config, Running};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use toolgate::{Server, gate, gate::Gate, grant::MemoryStore, tools};

/// A program with a management listener.
struct Program {
    child: Child,
    _forge: Running,
    _data: tempfile::TempDir,
    public: String,
    management: String,
}

impl Program {
    async fn start() -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_served"))
            .args(["--http", "127.0.0.1:0", "--management", "127.0.0.1:0"])
            .env("FORGE_URL", forge.url())
            .env("TOOLGATE_DATA", data.path())
            .env_remove("TOOLGATE_KEY")
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let public = find(stdout, "listens on http://").await;
        let management = find(stderr, "address=").await;
        Self { child, _forge: forge, _data: data, public, management }
    }
}

/// The address that follows `before` in the output.
async fn find(output: impl tokio::io::AsyncRead + Send + Unpin + 'static, before: &str) -> String {
    let mut lines = BufReader::new(output).lines();
    let found = loop {
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        if let Some((_, address)) = line.split_once(before) {
            let end = |c: char| c == '/' || c.is_whitespace();
            break address.split(end).next().unwrap().to_owned();
        }
    };
    // What follows is read, so that the program can go on writing.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    format!("http://{found}")
}

async fn get(base: &str, path: &str) -> (u16, String) {
    let response = reqwest::get(format!("{base}{path}")).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_program_answers_probes_and_prometheus_on_their_own_listener_alone() {
    let program = Program::start().await;
    let (status, body) = get(&program.management, "/healthz").await;
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    let (status, body) = get(&program.management, "/readyz").await;
    assert_eq!(status, 200, "{body}");
    let ready: Value = serde_json::from_str(&body).unwrap();
    let names: Vec<&str> =
        ready["checks"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["store", "migrations", "not_draining"]);
    assert_eq!(body.lines().filter(|line| line.contains("\"ok\": true")).count(), 3, "{body}");

    let endpoint = format!("{}/mcp", program.public);
    let added = integration::client::post_call(&endpoint, "add", r#"{"a":1,"b":2}"#).await;
    assert_eq!(added["result"]["content"][0]["text"], "3");
    let response = reqwest::get(format!("{}/metrics", program.management)).await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(content_type.starts_with("application/openmetrics-text"), "{content_type}");
    let text = response.text().await.unwrap();
    assert!(
        text.contains(r#"toolgate_tool_calls_total{gen_ai_tool_name="add",outcome="done""#),
        "{text}"
    );
    assert!(text.contains(r#"toolgate_ready{check="store"} 1"#), "{text}");

    for path in ["/healthz", "/readyz", "/metrics"] {
        let (status, body) = get(&program.public, path).await;
        assert_eq!(status, 404, "{path} is not for the public: {body}");
    }
    for path in ["/", "/mcp", "/accounts", "/inspector", "/connect/x"] {
        assert_eq!(get(&program.management, path).await.0, 404, "{path}");
    }
    let client = reqwest::Client::new();
    let posted = client.post(format!("{}/readyz", program.management)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_shuts_down_is_alive_and_not_ready() {
    use rustix::process::{Pid, Signal, kill_process};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut program = Program::start().await;
    // A request that never ends keeps the program from ending.
    let address: SocketAddr = program.public.trim_start_matches("http://").parse().unwrap();
    let mut open = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "GET /sse HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n";
    open.write_all(head.as_bytes()).await.unwrap();
    open.read_u8().await.unwrap();
    let mut unfinished = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{";
    unfinished.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(get(&program.management, "/readyz").await.0, 200);
    let pid = Pid::from_raw(program.child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let body = loop {
        let (status, body) = get(&program.management, "/readyz").await;
        if status == 503 {
            break body;
        }
        tokio::task::yield_now().await;
    };
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(ready["checks"][2]["reason"], "the server is shutting down", "{body}");
    assert_eq!(ready["checks"][0]["ok"], true, "{body}");
    assert_eq!(get(&program.management, "/healthz").await.0, 200, "it is alive");
    drop((open, unfinished));
    assert!(program.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn standard_input_and_a_management_listener_exclude_each_other() {
    let output = Command::new(env!("CARGO_BIN_EXE_served"))
        .args(["--stdio", "--management", "127.0.0.1:0"])
        .env("FORGE_URL", "http://127.0.0.1:1")
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`--stdio` and `--management` exclude each other"), "{said}");
}

fn free() -> SocketAddr {
    ([127, 0, 0, 1], integration::ports::free_port()).into()
}

#[tokio::test]
async fn without_the_keys_of_its_issuer_a_server_is_not_ready() {
    let (public, management, issuer) = (free(), free(), free());
    let gate = Gate::new(gate::oidc(format!("http://{issuer}")).unwrap())
        .resource(format!("http://{public}/mcp"));
    let server = Server::new("watched", "1")
        .gate(gate)
        .tools(tools![integration::tools::add])
        .store(MemoryStore::new())
        .management(management);
    let serving = tokio::spawn(server.serve_http(public));
    let url = format!("http://{management}");
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let body = loop {
        match client.get(format!("{url}/readyz")).send().await {
            Ok(response) => {
                assert_eq!(response.status(), 503);
                break response.text().await.unwrap();
            }
            Err(error) if error.is_connect() && !serving.is_finished() => {
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}: {:?}", serving.await),
        }
    };
    let ready: Value = serde_json::from_str(&body).unwrap();
    let keys = &ready["checks"][2];
    assert_eq!(keys["name"], "issuer_keys", "{body}");
    assert_eq!(keys["ok"], false, "{body}");
    assert!(!body.contains("127.0.0.1"), "no address is shown: {body}");
    assert_eq!(get(&url, "/healthz").await.0, 200);
    serving.abort();
}
