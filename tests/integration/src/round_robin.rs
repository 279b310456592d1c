//! A server of several processes with one store behind nginx, which asks them in turn, and before nginx
//! what kills one of them before a request.

use std::{
    ffi::OsStr,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use forge::Config;
use http::{Method, header};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};

use crate::{front_proxy::FrontProxy, ports::free_port};

/// Which process is killed before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kills {
    /// None.
    None,
    /// Each in its turn, and it is there again when the request comes.
    InTurn,
    /// The one that answered last, and it is there again when the request comes.
    WhichAnswered,
    /// Each in its turn, and it is there again after the request.
    Down,
    /// As `InTurn`, before messages of MCP alone.
    BeforeMessages,
}

/// A server of several processes, which runs until the site is dropped.
pub struct Site {
    /// Its public URL.
    pub url: String,
    replicas: usize,
    inner: Arc<Inner>,
    answered: UnboundedReceiver<String>,
    _proxy: FrontProxy,
    _forge: forge::Running,
    _data: TempDir,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("url", &self.url).finish_non_exhaustive()
    }
}

struct Inner {
    kills: Kills,
    proxy: SocketAddr,
    http: reqwest::Client,
    /// Locked while a request is under way: what a process does not finish is not what is tried here.
    turn: Mutex<Turn>,
    log: UnboundedSender<String>,
}

struct Turn {
    replicas: Vec<Replica>,
    requests: usize,
    restarts: usize,
    last: usize,
    answered: Vec<usize>,
}

struct Replica {
    program: PathBuf,
    address: SocketAddr,
    environment: Vec<(&'static str, String)>,
    /// With what it says, so that it does not write to nobody.
    process: Option<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Replica {
    /// Starts it, and waits until it says that it listens.
    async fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command.args(["--http", &self.address.to_string()]).stdout(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = command.kill_on_drop(true).spawn().expect("the program is there");
        let said = process.stdout.take().expect("it is piped");
        let mut said = BufReader::new(said).lines();
        let line = said.next_line().await.expect("it writes").unwrap_or_default();
        assert!(line.contains("listens on"), "the process did not start: {line}");
        self.process = Some((process, said));
    }

    async fn kill(&mut self) {
        if let Some((mut process, _)) = self.process.take() {
            process.kill().await.expect("it ends");
        }
    }
}

impl Site {
    /// Starts it, with so many processes. `replica`: the program of that name. `more`: what its processes
    /// are told more.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn start(
        (nginx, replica): (&OsStr, &Path),
        (count, kills): (usize, Kills),
        more: &[(&'static str, &str)],
    ) -> Self {
        let config = Config::default().redirect("http://127.0.0.1/callback/second");
        let forge = forge::start(config).await.expect("forge starts");
        let data = tempfile::tempdir().expect("a folder can be made");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut environment = vec![
            ("FORGE_URL", forge.url().to_owned()),
            ("PUBLIC_URL", url.clone()),
            ("TOOLGATE_DATA", data.path().to_str().expect("a path").to_owned()),
            ("XDG_CONFIG_HOME", data.path().to_str().expect("a path").to_owned()),
            ("TOOLGATE_KEY", BASE64_STANDARD.encode([7; 32])),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let program = replica;
        let replica = || Replica {
            program: program.to_owned(),
            // It is taken again after each kill.
            address: ([127, 0, 0, 1], free_port()).into(),
            environment: environment.clone(),
            process: None,
        };
        let mut replicas: Vec<_> = (0..count).map(|_| replica()).collect();
        for replica in &mut replicas {
            replica.start().await;
        }
        let addresses: Vec<_> = replicas.iter().map(|replica| replica.address).collect();
        let (proxy, address) = FrontProxy::round_robin(nginx, &addresses).await;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.no_proxy().pool_max_idle_per_host(0).build().expect("a client can be made");
        let answered = vec![0; count];
        let turn = Turn { replicas, requests: 0, restarts: 0, last: 0, answered };
        let turn = Mutex::new(turn);
        let (log, answered) = unbounded_channel();
        let inner = Arc::new(Inner { kills, proxy: address, http, turn, log });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, replicas: count, inner, answered, _proxy: proxy, _forge: forge, _data: data }
    }

    /// Its endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }

    /// How many processes it has.
    pub fn replicas(&self) -> usize {
        self.replicas
    }

    /// The next request that was answered: method, path, method of the message, and status.
    pub async fn answered(&mut self) -> Option<String> {
        self.answered.recv().await
    }

    /// Checks that more than so many requests were answered, by all processes, and that one was killed
    /// before each.
    ///
    /// # Panics
    ///
    /// It is not so.
    pub async fn check(&self, requests: usize) {
        let turn = self.inner.turn.lock().await;
        assert!(turn.requests > requests, "{}", turn.requests);
        let restarts = if self.inner.kills == Kills::None { 0 } else { turn.requests };
        assert_eq!(turn.restarts, restarts);
        assert!(turn.answered.iter().all(|answered| *answered > 3), "{:?}", turn.answered);
    }
}

/// Passes a request on to nginx, after it has killed a process.
async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let mut turn = inner.turn.lock().await;
    let is_endpoint = request.uri().path() == "/mcp";
    // The stream of a session is the only answer that has no end.
    let is_stream = is_endpoint && request.method() == Method::GET;
    let killed = match inner.kills {
        Kills::None => None,
        Kills::WhichAnswered => Some(turn.last),
        Kills::BeforeMessages => is_endpoint.then_some(turn.requests % turn.replicas.len()),
        Kills::InTurn | Kills::Down => Some(turn.requests % turn.replicas.len()),
    };
    let killed = killed.filter(|_| !is_stream);
    turn.requests += 1;
    if let Some(at) = killed {
        turn.replicas[at].kill().await;
        turn.restarts += 1;
        if inner.kills != Kills::Down {
            turn.replicas[at].start().await;
        }
    }

    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the whole body");
    let address = inner.proxy;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let called = message["method"].as_str().map(|method| format!("{method} "));
    let called = called.unwrap_or_default();
    let mut onward =
        inner.http.request(parts.method.clone(), format!("http://{address}{}", parts.uri));
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        onward = onward.header(name, value);
    }
    let answer = onward.body(body).send().await.expect("nginx answers");
    let status = answer.status();
    let served_by = answer.headers().get("x-served-by").and_then(|by| by.to_str().ok());
    // nginx names all that it tried.
    let served_by = served_by.and_then(|by| by.rsplit(", ").next()).unwrap_or_default().to_owned();
    let replicas = turn.replicas.iter().map(|replica| replica.address.to_string());
    let at = replicas.clone().position(|address| address == served_by);
    let at = at.unwrap_or_else(|| panic!("{status} by {served_by}"));
    turn.last = at;
    turn.answered[at] += 1;
    let mut response = Response::builder().status(status);
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "transfer-encoding" | "connection" | "x-served-by") {
            response = response.header(name, value);
        }
    }
    response = response.header("x-served-by", served_by);
    let body = if is_stream && status == 200 {
        Body::from_stream(answer.bytes_stream())
    } else {
        Body::from(answer.bytes().await.expect("the whole answer"))
    };
    let line = format!("{} {} {called}{}", parts.method, parts.uri.path(), status.as_u16());
    // Nobody reads it in a test.
    let _ = inner.log.send(line);
    if let (Kills::Down, Some(at)) = (inner.kills, killed) {
        turn.replicas[at].start().await;
    }
    response.body(body).expect("an answer")
}
