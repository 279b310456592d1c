//! The inspector of a program: who may use it, and what it shows and does.

mod attacks;
mod brokered;
mod calls;
mod connections;
mod copied;
mod open;
mod outside;

use std::{path::Path, process::Stdio};

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// A program that listens, and the page of its inspector.
struct Inspected {
    _child: Child,
    data: TempDir,
    /// The link that it printed first.
    link: String,
    /// Scheme, host and port.
    origin: String,
    http: Client,
    cookie: String,
}

fn command(program: &str, data: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--http", "127.0.0.1:0"])
        .env("TOOLGATE_DATA", data)
        .env("XDG_CONFIG_HOME", data)
        .env_remove("TOOLGATE_HTTP")
        .env_remove("TOOLGATE_INSPECTOR")
        .env("CARGO_MANIFEST_DIR", data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What a program prints. It has to be kept: a program whose output is closed ends.
fn said(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// A client that follows no redirect and has no cookies.
fn http() -> Client {
    Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

impl Inspected {
    /// The server with the people alice and bob.
    async fn start() -> Self {
        Self::of(env!("CARGO_BIN_EXE_inspected"), tempfile::tempdir().unwrap()).await
    }

    async fn of(program: &str, data: TempDir) -> Self {
        Self::run(command(program, data.path()), data).await
    }

    async fn run(mut command: Command, data: TempDir) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = said(&mut child);
        let first = lines.next_line().await.unwrap().unwrap();
        // What follows is read, so that the program can go on writing.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let link = first.split_whitespace().find(|word| word.starts_with("http://"));
        let link = link.unwrap_or_else(|| panic!("no link in: {first}")).to_owned();
        assert!(first.starts_with("Inspector ") && link.contains("/inspector?token="), "{first}");
        let origin = link.split("/inspector").next().unwrap().to_owned();
        let http = http();
        let opened = http.get(&link).send().await.unwrap();
        assert_eq!(opened.status(), 303);
        assert_eq!(opened.headers()["location"], "/inspector/");
        let cookie = opened.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { _child: child, data, link, origin, http, cookie }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/inspector/{path}", self.origin)
    }

    /// A request of the page.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .header("cookie", &self.cookie)
            .header("toolgate-inspector", "1")
            .header("sec-fetch-site", "same-origin")
    }

    async fn state(&self) -> Value {
        let state = self.request(Method::GET, "api/state").send().await.unwrap();
        assert_eq!(state.status(), 200);
        state.json().await.unwrap()
    }

    async fn try_act(&self, act: Value) -> Response {
        self.request(Method::POST, "api/act").json(&act).send().await.unwrap()
    }

    async fn act(&self, act: Value) -> Value {
        let done = self.try_act(act).await;
        let status = done.status();
        let text = done.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sends a message as a person; the exchange.
    async fn send(&self, person: Option<&str>, era: &str, message: &Value) -> Value {
        let method = message["method"].as_str().unwrap();
        let mut headers = vec![json!(["mcp-protocol-version", era])];
        if era == "2026-07-28" {
            headers.push(json!(["mcp-method", method]));
            headers
                .extend(message["params"]["name"].as_str().map(|name| json!(["mcp-name", name])));
        }
        let sent = json!({
            "person": person, "era": era, "body": message.to_string(), "headers": headers,
        });
        let exchange = self.request(Method::POST, "api/send").json(&sent).send().await.unwrap();
        assert_eq!(exchange.status(), 200);
        exchange.json().await.unwrap()
    }

    /// Calls a tool as the page does.
    async fn call(&self, person: Option<&str>, tool: &str, arguments: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
            },
        }});
        self.send(person, "2026-07-28", &message).await
    }

    /// The events so far, until one has these words.
    async fn events_until(&self, words: &str) -> String {
        let stream = self.request(Method::GET, "api/events").send().await.unwrap();
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        let mut stream = stream;
        let mut text = String::new();
        let read = async {
            while !text.contains(words) {
                let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let read = tokio::time::timeout(std::time::Duration::from_secs(60), read).await;
        assert!(read.is_ok(), "`{words}` is not in: {text}");
        text
    }
}

fn response(exchange: &Value) -> Value {
    serde_json::from_str(exchange["response"].as_str().unwrap()).unwrap()
}
