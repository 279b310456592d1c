//! Saves under load: no call fails, and each save is served.

use std::{
    collections::HashMap,
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    sync::{oneshot, watch},
    task::{JoinError, JoinSet},
    time::interval,
};

use crate::{
    client::{Client, text_of, token},
    project::{LIMIT, Project, eventually, open_once_read, zombies_of},
};

const SAVES: u64 = 100;

/// One call in 20 ms: 50 a second, however long each of them takes.
const CALL_INTERVAL: Duration = Duration::from_millis(20);

/// Every so many calls, one goes over the connection that is rarely used.
const RARE: u64 = 50;

/// The calls of a load, and what came of them.
struct Load {
    address: SocketAddr,
    token: String,
    begun: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// How long the slowest took.
    slowest: Mutex<Duration>,
    /// The newest version that has answered.
    newest: watch::Sender<u64>,
    /// Connections that no call uses, by what they are.
    free: Mutex<HashMap<&'static str, Vec<Client>>>,
    http2: reqwest::Client,
}

impl Load {
    async fn new(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            token: token(address, "alice").await,
            begun: AtomicU64::new(0),
            failures: Mutex::default(),
            slowest: Mutex::default(),
            newest: watch::Sender::new(0),
            free: Mutex::default(),
            http2: reqwest::Client::builder().http2_prior_knowledge().build().unwrap(),
        })
    }

    /// Begins a call at each tick, whether or not those before have ended, until it is to stop. Returns
    /// when all of them have ended.
    async fn run(self: Arc<Self>, mut stop: oneshot::Receiver<()>) {
        let (mut calls, mut ticks) = (JoinSet::new(), interval(CALL_INTERVAL));
        loop {
            tokio::select! {
                _ = &mut stop => break,
                // After a pause, the ticks that were missed follow at once.
                _ = ticks.tick() => {}
            }
            let number = self.begun.fetch_add(1, SeqCst);
            let kind = match number % 5 {
                _ if number.is_multiple_of(RARE) => "rare",
                0 | 1 => "kept",
                2 => "new",
                3 => "session",
                _ => "http2",
            };
            calls.spawn(Arc::clone(&self).call(kind));
            while let Some(ended) = calls.try_join_next() {
                self.ended(ended);
            }
        }
        while let Some(ended) = calls.join_next().await {
            self.ended(ended);
        }
    }

    async fn call(self: Arc<Self>, kind: &'static str) {
        let began = Instant::now();
        let answer = if kind == "http2" {
            self.over_http2().await.unwrap_or_else(|error| Err(format!("{error:?}")))
        } else {
            let free = self.free.lock().unwrap().entry(kind).or_default().pop();
            let mut client = match free {
                Some(client) => client,
                None if kind == "session" => Client::with_session(self.address, &self.token).await,
                None => Client::new(self.address, &self.token),
            };
            let answer = client.call("whoami", json!({})).await;
            if kind != "new" {
                self.free.lock().unwrap().entry(kind).or_default().push(client);
            }
            answer
        };
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = began.elapsed().max(*slowest);
        drop(slowest);
        self.answered(kind, answer);
    }

    /// A call whose task failed counts as failed as well.
    fn ended(&self, task: Result<(), JoinError>) {
        if let Err(error) = task {
            self.failures.lock().unwrap().push(error.to_string());
        }
    }

    fn answered(&self, kind: &str, answer: Result<String, String>) {
        let version = answer.and_then(|text| {
            let version =
                text.strip_prefix("version ").and_then(|rest| rest.strip_suffix(" for alice"));
            version.and_then(|version| version.parse::<u64>().ok()).ok_or(text.clone())
        });
        match version {
            Ok(version) => drop(self.newest.send_if_modified(|newest| {
                let is_newer = version > *newest;
                *newest = version.max(*newest);
                is_newer
            })),
            Err(error) => self.failures.lock().unwrap().push(format!("{kind}: {error}")),
        }
    }

    async fn over_http2(&self) -> reqwest::Result<Result<String, String>> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        } } });
        let request = self
            .http2
            .post(format!("http://{}/mcp", self.address))
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "whoami")
            .json(&call);
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok(text_of(status, &response.text().await?))
    }
}

/// 50 calls a second: over connections that are kept, new ones and HTTP/2, with a session and without, and
/// over one that is rarely used.
async fn saves_fail_no_call(project: Project, save: impl Fn(&Project, u64)) {
    let mut dev = project.dev(&["--port", "0"]);
    let load = Load::new(dev.address().await).await;
    let mut newest = load.newest.subscribe();
    let began = Instant::now();
    let (stop, stopped) = oneshot::channel();
    let calls = tokio::spawn(Arc::clone(&load).run(stopped));
    for version in 1..=SAVES {
        save(&project, version);
        let served = newest.wait_for(|newest| *newest >= version);
        let served = tokio::time::timeout(LIMIT, served).await;
        assert!(served.is_ok(), "version {version} is not served:\n{}", dev.printed());
    }
    stop.send(()).unwrap();
    let (took, begun) = (began.elapsed(), load.begun.load(SeqCst));
    tokio::time::timeout(LIMIT, calls).await.expect("they end").unwrap();
    let slowest = *load.slowest.lock().unwrap();
    let rate = u128::from(begun) * 1000 / took.as_millis();
    println!(
        "{SAVES} saves in {took:.1?}, {begun} calls, {rate} a second, the slowest in {slowest:.2?}"
    );
    let failures = load.failures.lock().unwrap().clone();
    assert_eq!(failures, Vec::<String>::new(), "{}", dev.printed());
    // A machine that is busy begins the last of them late.
    assert!(rate >= 40, "only {rate} calls a second");
    let id = dev.id();
    eventually(&dev, "no zombie is left", || zombies_of(id) == 0).await;
    dev.end().await;
}

/// Nothing is compiled: a stand-in of cargo is done at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_saves_fail_no_call() {
    saves_fail_no_call(Project::new(), |project, version| project.save(version, "")).await;
}

/// Cargo compiles each save, of a program that has no dependencies: it starts this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes some minutes"]
async fn a_hundred_saves_that_are_compiled_fail_no_call() {
    let save = |project: &Project, version| project.save_compiled(version, "");
    saves_fail_no_call(Project::compiled(), save).await;
}

#[tokio::test]
async fn a_call_under_way_ends_in_the_program_where_it_began() {
    let project = Project::new();
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let token = token(address, "alice").await;
    let pipe = project.pipe("pipe");
    let mut client = Client::new(address, &token);
    let arguments = json!({ "pipe": pipe });
    let call = tokio::spawn(async move { (client.call("wait", arguments).await, client) });
    let mut pipe = open_once_read(pipe).await;
    project.save(1, "");
    dev.says("Served").await;
    assert_eq!(
        Client::new(address, &token).call("whoami", json!({})).await.unwrap(),
        "version 1 for alice"
    );
    pipe.write_all(b"done").unwrap();
    drop(pipe);
    let (answer, mut client) = call.await.unwrap();
    assert_eq!(answer.unwrap(), "done in version 0 for alice");
    assert_eq!(client.call("whoami", json!({})).await.unwrap(), "version 1 for alice");
    dev.end().await;
}
