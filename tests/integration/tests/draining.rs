//! The end of a server as a program: what it still answers, what it waits for, and for how long.

use std::{
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
};

use forge::{Config, Running, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    waiting::soon,
    wire::{Way, Wire, request},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStderr},
};

use crate::served;

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

struct Program {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Program {
    async fn start(forge: &Running, data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut program = served::program(forge);
        program
            .env("TOOLGATE_DATA", data)
            .env_remove("TOOLGATE_KEY")
            .envs(variables.iter().copied())
            .stderr(Stdio::piped());
        let (mut child, address) = served::over_http(program).await;
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log, address }
    }

    fn mcp(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits until the log has a line with this text.
    async fn says(&mut self, text: &str) {
        soon(async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(text) {
                    return;
                }
            }
            panic!("the log ends without `{text}`");
        })
        .await;
    }

    /// Waits until no connection is accepted.
    async fn closes(&self) {
        soon(async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn ends(mut self) -> ExitStatus {
        soon(self.child.wait()).await.unwrap()
    }

    async fn connect(&self) {
        let asked = post_call(&self.mcp(), "list_issues", ISSUES).await;
        let page = Person::new("alice").approve(&link_in(&text_of(&asked))).await.unwrap();
        assert!(page.body.contains("Forge is connected"), "{}", page.body);
    }

    async fn call(&self) -> Wire {
        let arguments = serde_json::from_str(ISSUES).unwrap();
        Wire::with(self.address, &request("list_issues", &arguments, Way::Quick)).await
    }
}

fn sum() -> String {
    request("add", &json!({ "a": 1, "b": 2 }), Way::Quick)
}

/// The head of the next answer, in small letters, after its body was read.
async fn head_of(wire: &mut Wire) -> String {
    let head = wire.read_until("\r\n\r\n").await.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    wire.0.read_exact(&mut body).await.unwrap();
    head
}

#[tokio::test]
async fn a_refresh_whose_call_has_left_is_stored_before_the_process_ends() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(&forge, data.path(), &[]).await;
    program.connect().await;
    forge.expire_access_tokens();
    let held = forge.faults().hold_token();
    let call = program.call().await;
    soon(held.reached(1)).await;
    drop(call);
    program.signal(Signal::TERM);
    program.says("have to be stored before the end").await;
    drop(held);
    assert!(program.ends().await.success());

    let program = Program::start(&forge, data.path(), &[]).await;
    let answer = post_call(&program.mcp(), "list_issues", ISSUES).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert_eq!((forge.counts().refreshes, forge.counts().codes), (1, 1));
}

#[tokio::test]
async fn before_it_closes_the_server_answers_and_says_that_connections_end() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(&forge, data.path(), &[("TOOLGATE_DRAIN_DELAY", "600")]).await;
    let [mut used, idle] = [Wire::with(program.address, &sum()).await, program.call().await];
    let before = head_of(&mut used).await;
    assert!(
        before.starts_with("http/1.1 200") && !before.contains("connection: close"),
        "{before}"
    );
    program.signal(Signal::INT);
    program.says("it says that it is not ready").await;
    // The listener hears of the signal a moment after the log has said so.
    let new = soon(async {
        loop {
            let mut wire = Wire::with(program.address, &sum()).await;
            let head = head_of(&mut wire).await;
            assert!(head.starts_with("http/1.1 200"), "{head}");
            if head.contains("connection: close") {
                break wire;
            }
        }
    });
    let new = new.await;
    used.send(&sum()).await;
    let head = soon(head_of(&mut used)).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("connection: close"), "{head}");
    for mut wire in [used, new] {
        assert_eq!(soon(wire.0.read(&mut [0; 8])).await.unwrap(), 0, "the connection ends");
    }
    drop(idle);
    // A second signal does not wait for the rest of the ten minutes.
    program.signal(Signal::TERM);
    assert_eq!(program.ends().await.code(), Some(128 + 15));
}

#[tokio::test]
async fn a_call_under_way_is_answered_after_the_server_has_closed() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(&forge, data.path(), &[("TOOLGATE_DRAIN_DELAY", "1")]).await;
    program.connect().await;
    let held = forge.faults().hold_api();
    let mut call = program.call().await;
    soon(held.reached(1)).await;
    program.signal(Signal::TERM);
    program.closes().await;
    drop(held);
    let answer = soon(head_of(&mut call)).await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("connection: close"), "{answer}");
    assert!(program.ends().await.success());
}

#[tokio::test]
async fn a_call_that_takes_longer_than_a_drain_may_is_broken_off() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start(&forge, data.path(), &[("TOOLGATE_DRAIN_TIMEOUT", "0")]).await;
    program.connect().await;
    let held = forge.faults().hold_api();
    let _call = program.call().await;
    soon(held.reached(1)).await;
    program.signal(Signal::TERM);
    program.says("calls are broken off").await;
    assert!(program.ends().await.success());
}

#[tokio::test]
async fn a_malformed_time_is_refused_by_the_name_of_its_variable() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let output = served::program(&forge)
        .args(["--http", "127.0.0.1:0"])
        .env("TOOLGATE_DATA", data.path())
        .env("TOOLGATE_DRAIN_DELAY", "soon\u{1b}[2J")
        .output();
    let output = output.await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("TOOLGATE_DRAIN_DELAY") && said.contains("seconds"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[tokio::test]
async fn over_standard_input_a_signal_ends_the_program_after_its_calls() {
    let forge = forge::start(Config::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let first = Program::start(&forge, data.path(), &[]).await;
    first.connect().await;
    first.signal(Signal::TERM);
    assert!(first.ends().await.success());

    let mut child = served::program(&forge)
        .arg("--stdio")
        .env("TOOLGATE_DATA", data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let arguments = serde_json::from_str(ISSUES).unwrap();
    let message = integration::wire::call("list_issues", &arguments, Way::Quick);
    let held = forge.faults().hold_api();
    input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    soon(held.reached(1)).await;
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    drop(held);
    let answer = soon(output.next_line()).await.unwrap().expect("it answers");
    assert!(answer.contains("compass drifts"), "{answer}");
    // The input is still open.
    assert!(soon(child.wait()).await.unwrap().success());
}
