//! The server as a program: standard input and output, the command line, the store between runs.

use std::{path::Path, process::Stdio};

use forge::{Config, Running, person::Person};
use integration::client::{link_in, params, text};
use rmcp::{RoleClient, ServiceExt, service::RunningService, transport::TokioChildProcess};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::served::{over_http, program_in};

async fn connect(forge: &Running, data: &Path) -> RunningService<RoleClient, ()> {
    let mut command = program_in(forge, data);
    command.arg("--stdio");
    ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap()
}

fn issues() -> rmcp::model::CallToolRequestParams {
    params("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 3 }))
}

#[tokio::test]
async fn consent_over_stdio_outlives_the_program() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connect(&forge, data.path()).await;
    let asked = client.call_tool(issues()).await.unwrap();
    assert_eq!(asked.is_error, Some(true));
    let page = Person::new("alice").approve(&link_in(&text(&asked))).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    let listed = client.call_tool(issues()).await.unwrap();
    assert_eq!(listed.is_error, Some(false), "{}", text(&listed));
    client.cancel().await.unwrap();

    let client = connect(&forge, data.path()).await;
    let listed = client.call_tool(issues()).await.unwrap();
    assert_eq!(listed.is_error, Some(false), "nobody is asked again: {}", text(&listed));
    assert_eq!(forge.counts().codes, 1);
    client.cancel().await.unwrap();

    for entry in std::fs::read_dir(data.path()).unwrap() {
        let Ok(bytes) = std::fs::read(entry.unwrap().path()) else { continue };
        let found = bytes.windows(12).any(|window| window == b"access_token");
        assert!(!found, "what is stored is sealed");
    }
}

#[tokio::test]
async fn another_key_is_refused_and_nothing_is_lost() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    connect(&forge, data.path()).await.cancel().await.unwrap();
    let database = data.path().join("grants.db");
    let before = std::fs::read(&database).unwrap();
    let other = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let output = program_in(&forge, data.path())
        .arg("--stdio")
        .env("TOOLGATE_KEY", other)
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("key"), "{said}");
    assert!(!said.contains(other), "the key is not repeated: {said}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[tokio::test]
async fn an_address_for_everyone_is_refused_with_the_reason() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let output =
        program_in(&forge, data.path()).args(["--http", "0.0.0.0:0"]).output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("can be reached from other machines"), "{said}");
    assert!(said.contains("callers are not verified"), "{said}");
}

/// Shells start programs with 1024 open files at most, and a connection is one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_allows_itself_more_open_files() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 512; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_served")])
        .env("FORGE_URL", "http://127.0.0.1:9")
        .env("TOOLGATE_DATA", data.path())
        .env("XDG_CONFIG_HOME", data.path())
        .kill_on_drop(true);
    let (server, _) = over_http(command).await;
    let process = server.id().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let limits = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let limits: Vec<u64> = limits.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let [soft, hard] = limits[..] else { panic!("{limits:?}") };
    assert!(soft == hard.min(16 * 1024), "{soft} of {hard}");
}

#[tokio::test]
async fn describe_prints_every_tool_with_its_scopes() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let describe = async |form: &str| {
        let output = program_in(&forge, data.path()).arg(form).output().await.unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let table = describe("--describe").await;
    assert!(table.contains("list_issues  Forge: repo:read   reads"), "{table}");
    let json: Value = serde_json::from_str(&describe("--describe=json").await).unwrap();
    assert_eq!(json["tools"][0]["scopes"], json!([["Forge", ["repo:read"]]]));
    assert_eq!(json["tools"][2]["definition"]["inputSchema"]["required"], json!(["a", "b"]));
}

#[tokio::test]
async fn a_server_with_a_broker_describes_itself_without_listening() {
    let described = Command::new(env!("CARGO_BIN_EXE_brokered")).arg("--describe").output();
    let described = described.await.unwrap();
    let said = String::from_utf8_lossy(&described.stdout).into_owned();
    assert!(described.status.success(), "{}", String::from_utf8_lossy(&described.stderr));
    assert!(said.contains("delete_repository  Forge: repo:delete"), "{said}");
}

#[tokio::test]
async fn lines_are_answered_one_by_one_until_the_input_ends() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut child = program_in(&forge, data.path())
        .arg("--stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let twice = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"add","arguments":{{"a":1,"a":2,"b":3}},{meta}}}}}"#
    );
    let once = twice.replace(r#""a":1,"#, "").replace(r#""id":7"#, r#""id":8"#);
    let asks = once
        .replace(r#""name":"add""#, r#""name":"list_issues""#)
        .replace(r#"{"a":2,"b":3}"#, r#"{"owner":"alice","repo":"compass"}"#);
    for (line, expected) in
        [(twice.as_str(), "`a` is given twice"), (once.as_str(), "5"), (asks.as_str(), "/connect/")]
    {
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = output.next_line().await.unwrap().unwrap();
        assert!(answer.contains(expected), "{answer}");
    }
    drop(input);
    let ended = child.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "the end of input is the end");
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(log.contains("the user is asked to connect"), "{log}");
    assert!(!log.contains("/connect/"), "the link is for the person alone: {log}");
}

/// What a program writes that is given this input, which ends.
async fn answers(input: &[u8]) -> Vec<Value> {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut child = program_in(&forge, data.path())
        .arg("--stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sum(id: u32) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"add","arguments":{{"a":1,"b":2}},{meta}}}}}"#
    )
}

#[tokio::test]
async fn a_last_line_without_a_line_feed_is_answered() {
    for input in [sum(1), format!("{}\n{}", sum(1), sum(2)), format!("{}\r\n{}", sum(1), sum(2))] {
        let answers = answers(input.as_bytes()).await;
        assert_eq!(answers.len(), input.lines().count(), "{input:?}: {answers:?}");
        for answer in &answers {
            assert_eq!(answer["result"]["structuredContent"]["result"], 3, "{answer}");
        }
    }
    let broken = answers(br#"{"jsonrpc":"2.0","id":1,"#).await;
    assert_eq!(broken[0]["error"]["code"], -32700, "{broken:?}");
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() {
    for mark in ["\u{feff}", "\u{feff}\n\u{feff}", " \u{feff}"] {
        let answers = answers(format!("{mark}{}\n", sum(1)).as_bytes()).await;
        assert_eq!(answers.len(), 1, "{mark:?}: {answers:?}");
        assert_eq!(answers[0]["result"]["structuredContent"]["result"], 3, "{answers:?}");
    }
}

/// The address that a server over HTTP says it listens on.
#[cfg(target_os = "linux")]
async fn address_of(server: &mut tokio::process::Child) -> std::net::SocketAddr {
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    // What follows is read, so that the program can go on writing.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let url = first.split("http://").nth(1).unwrap();
    url.split('/').next().unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_is_shut_down_says_so_on_every_connection() {
    use integration::socket::Socket;
    use rustix::process::{Pid, Signal, kill_process};

    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut command = program_in(&forge, data.path());
    command.args(["--http", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let address = address_of(&mut server).await;
    let headers = [("sec-websocket-protocol", "mcp")];
    let mut socket = Socket::try_open(address, "/ws", &headers).await.unwrap();
    socket.initialize(json!({})).await;
    let added = socket.call("add", json!({ "a": 1, "b": 2 })).await;
    assert_eq!(added["result"]["content"][0]["text"], "3", "{added}");
    let mut events =
        reqwest::get(format!("http://{address}/sse")).await.unwrap().error_for_status().unwrap();
    assert!(events.chunk().await.unwrap().is_some(), "the event `endpoint`");
    let pid = Pid::from_raw(server.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(socket.closed().await, (1001, "the server is shut down".to_owned()));
    while events.chunk().await.expect("the stream is ended, and not broken off").is_some() {}
    assert!(server.wait().await.unwrap().success());
}

/// As systemd starts a service with a socket: the listener is the fourth descriptor, and the process
/// says that it is ready, and that it ends.
#[cfg(unix)]
#[tokio::test]
async fn a_service_manager_passes_the_listener_and_is_notified() {
    use std::os::{fd::OwnedFd, unix::net::UnixDatagram};

    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let notified = UnixDatagram::bind(data.path().join("notify")).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The client is there before the program.
    let answer = tokio::spawn(reqwest::get(format!("http://{address}/")));
    let mut program = Command::new("sh")
        .args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ exec \"$0\""])
        .arg(env!("CARGO_BIN_EXE_served"))
        .env("FORGE_URL", forge.url())
        .env("TOOLGATE_DATA", data.path())
        .env("XDG_CONFIG_HOME", data.path())
        .env_remove("TOOLGATE_KEY")
        .env("LISTEN_FDS", "1")
        .env("NOTIFY_SOCKET", data.path().join("notify"))
        .stdin(OwnedFd::from(listener))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(answer.await.unwrap().unwrap().status().is_success());
    let notified = std::thread::spawn(move || {
        let receive = || {
            let mut state = [0; 32];
            let length = notified.recv(&mut state).unwrap();
            String::from_utf8_lossy(&state[..length]).into_owned()
        };
        [receive(), receive()]
    });
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let says = format!("listens on http://{address}/mcp");
    while !lines.next_line().await.unwrap().expect("its address").contains(&says) {}
    let id = program.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
    assert!(program.wait().await.unwrap().success());
    assert_eq!(notified.join().unwrap(), ["READY=1", "STOPPING=1"]);
}
