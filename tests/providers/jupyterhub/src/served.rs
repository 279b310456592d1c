//! The example as a process, and calls to it.

use std::{env, path::Path, process::Stdio, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

use crate::hub::{CLIENT_SECRET, Hub};

/// A server over HTTP.
pub(crate) struct Served {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    log: watch::Receiver<String>,
    child: Child,
    _data: TempDir,
}

/// What a call brought.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `WWW-Authenticate`
    pub(crate) challenge: String,
    pub(crate) failed: bool,
    pub(crate) text: String,
}

impl Answer {
    /// Does it say that the connection has ended, and why? Of a token's end the hub may know first.
    pub(crate) fn says_to_connect_again(&self) -> bool {
        let why = ["its access expired", "the access was revoked there, or has expired"];
        let said = |why| self.text.contains(&format!("has to be connected again, because {why}"));
        why.iter().any(said)
    }

    /// The scopes that the host is to ask for.
    pub(crate) fn demanded(&self) -> &str {
        let (_, scopes) = self.challenge.split_once("scope=\"").expect("a challenge with scopes");
        scopes.split('"').next().unwrap_or_default()
    }

    /// The link in its text, if there is one.
    pub(crate) fn link(&self) -> Option<&str> {
        let start = self.text.find("http://127.0.0.1")?;
        self.text[start..].split_whitespace().next()
    }
}

/// The example as the client `place` of the hub.
pub(crate) fn example(hub: &Hub, place: &str) -> (Command, TempDir) {
    program(env::var("EXAMPLE").expect("run.sh sets EXAMPLE").as_ref(), hub, place)
}

/// A program like it as the client `place` of the hub.
fn program(path: &Path, hub: &Hub, place: &str) -> (Command, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(path);
    command
        .env("JUPYTERHUB_CLIENT_ID", format!("service-{place}"))
        .env("JUPYTERHUB_CLIENT_SECRET", CLIENT_SECRET)
        .env("JUPYTERHUB_API_URL", &hub.api)
        .env("JUPYTERHUB_AUTHORIZE_URL", format!("{}/oauth2/authorize", hub.api))
        .env("JUPYTERHUB_TOKEN_URL", format!("{}/oauth2/token", hub.api))
        .env("TOOLGATE_DATA", data.path())
        .env("XDG_CONFIG_HOME", data.path())
        .env_remove("TOOLGATE_KEY")
        .env_remove("SIGN_IN")
        .kill_on_drop(true);
    (command, data)
}

impl Served {
    /// Serves HTTP; `environment` says what is different.
    pub(crate) async fn start(hub: &Hub, place: &str, environment: &[(&str, &str)]) -> Self {
        Self::run(example(hub, place), hub, place, environment).await
    }

    /// As `start`, but it is the program of the page.
    pub(crate) async fn page(hub: &Hub, place: &str, environment: &[(&str, &str)]) -> Self {
        let path = env::current_exe().expect("this program").with_file_name("page");
        Self::run(program(&path, hub, place), hub, place, environment).await
    }

    async fn run(
        (mut command, data): (Command, TempDir),
        hub: &Hub,
        place: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let address = format!("127.0.0.1:{}", hub.port(place));
        command.args(["--http", &address]).envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (kept, log) = watch::channel(String::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.send_modify(|log| log.extend([&line, "\n"]));
            }
        });
        let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        while let Some(line) = said.next_line().await.expect("text") {
            if line.contains("/mcp") {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Self { url: format!("http://{address}"), log, child, _data: data }
    }

    /// Stops it, so that another may listen in its place.
    pub(crate) async fn stop(mut self) {
        self.child.kill().await.expect("it ends");
    }

    /// What it has logged, once that holds `text`.
    pub(crate) async fn logged(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let found = timeout(Duration::from_secs(60), log.wait_for(|log| log.contains(text))).await;
        if let Ok(Ok(log)) = found {
            return log.clone();
        }
        panic!("it does not log `{text}`:\n{}", *self.log.borrow())
    }

    /// Calls a tool until the token at the hub has ended, and returns what is said then.
    pub(crate) async fn until_it_expires(&self, token: &str, tool: &str) -> Answer {
        loop {
            let answer = self.call(token, tool, json!({})).await;
            if answer.failed {
                assert!(answer.says_to_connect_again(), "{answer:?}");
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Calls a tool, as a host that declares nothing: links come in the text.
    pub(crate) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        let mut request = Client::new()
            .post(format!("{}/mcp", self.url))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .json(&body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("the server answers");
        let status = answer.status().as_u16();
        let challenge = answer.headers().get("www-authenticate");
        let challenge =
            challenge.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body: Value = answer.json().await.unwrap_or_default();
        let result = &body["result"];
        let blocks = result["content"].as_array().cloned().unwrap_or_default();
        let text: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        Answer { status, challenge, failed: result["isError"] != false, text: text.join("\n") }
    }
}
