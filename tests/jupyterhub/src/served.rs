//! The example as a process, and calls to it.

use std::{
    env,
    process::Stdio,
    sync::{Arc, Mutex},
};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::hub::{CLIENT_SECRET, Hub};

/// A server over HTTP.
pub(crate) struct Served {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
    _child: Child,
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
    /// The link in its text, if there is one.
    pub(crate) fn link(&self) -> Option<&str> {
        let start = self.text.find("http://127.0.0.1")?;
        self.text[start..].split_whitespace().next()
    }
}

/// The example as the client `place` of the hub.
pub(crate) fn example(hub: &Hub, place: &str) -> (Command, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env::var("EXAMPLE").expect("run.sh sets EXAMPLE"));
    command
        .env("JUPYTERHUB_CLIENT_ID", format!("service-{place}"))
        .env("JUPYTERHUB_CLIENT_SECRET", CLIENT_SECRET)
        .env("JUPYTERHUB_API_URL", &hub.api)
        .env("JUPYTERHUB_AUTHORIZE_URL", format!("{}/oauth2/authorize", hub.api))
        .env("JUPYTERHUB_TOKEN_URL", format!("{}/oauth2/token", hub.api))
        .env("TOOLGATE_DATA", data.path())
        .env_remove("TOOLGATE_KEY")
        .env_remove("SIGN_IN")
        .kill_on_drop(true);
    (command, data)
}

impl Served {
    /// Serves HTTP; `environment` says what is different.
    pub(crate) async fn start(hub: &Hub, place: &str, environment: &[(&str, &str)]) -> Self {
        let (mut command, data) = example(hub, place);
        let address = format!("127.0.0.1:{}", hub.port(place));
        command.args(["--http", &address]).envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = kept.lock().expect("nobody panicked");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        while let Some(line) = said.next_line().await.expect("text") {
            if line.contains("/mcp") {
                break;
            }
        }
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Self { url: format!("http://{address}"), log, _child: child, _data: data }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("nobody panicked").clone()
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
