//! A server of several replicas on one database, each with a state of its own, and a proxy that asks
//! them in turn.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use forge::{Config, Running};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    grant::{MasterKey, PostgresStore},
    tools,
};

use crate::{
    host::client_at,
    postgres::Postgres,
    tools::{add, list_issues, open_issue},
};

/// The replicas, which run until the test ends.
pub struct Replicas {
    /// The upstream.
    pub forge: Running,
    /// What browsers and clients see: the proxy.
    pub url: String,
    /// The address of each replica.
    pub replicas: Vec<String>,
    asked: Arc<Asked>,
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("url", &self.url).finish_non_exhaustive()
    }
}

struct Asked {
    http: reqwest::Client,
    replicas: Vec<SocketAddr>,
    requests: AtomicUsize,
    /// The replica that is asked next, whichever turn it is.
    only: Mutex<Option<usize>>,
}

impl Replicas {
    /// Starts so many replicas, as `configure` changes each.
    ///
    /// # Panics
    ///
    /// They do not start.
    pub async fn start(
        database: &Postgres,
        config: Config,
        count: usize,
        configure: impl Fn(Server) -> Server,
    ) -> Self {
        Self::start_at(&database.url(), config, count, configure).await
    }

    /// As [`start`](Self::start), with the URL of the database.
    ///
    /// # Panics
    ///
    /// They do not start.
    pub async fn start_at(
        database: &str,
        config: Config,
        count: usize,
        configure: impl Fn(Server) -> Server,
    ) -> Self {
        let forge = forge::start(config).await.expect("forge starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let master = MasterKey::generate();
        let mut replicas = Vec::new();
        for _ in 0..count {
            let store = PostgresStore::at(database).key(master.clone()).open().await;
            let server = Server::new("tests", "1.2.3")
                .provider(client_at(forge.url()))
                .tools(tools![list_issues, open_issue, add])
                .store(store.expect("the store opens"))
                .public_url(url.as_str());
            let app = configure(server).build().await.expect("the server is sound");
            let own = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            replicas.push(own.local_addr().expect("an address"));
            crate::host::serve_at(own, app.into_router());
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.no_proxy().timeout(Duration::from_secs(90)).build().expect("a client");
        let addresses = replicas.iter().map(|address| format!("http://{address}")).collect();
        let (requests, only) = (AtomicUsize::new(0), Mutex::new(None));
        let asked = Arc::new(Asked { http, replicas, requests, only });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { forge, url, replicas: addresses, asked }
    }

    /// The endpoint behind the proxy.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }

    /// From now on the proxy asks this replica alone; `None`: each in its turn.
    pub fn ask_only(&self, replica: Option<usize>) {
        *self.asked.only.lock().unwrap_or_else(PoisonError::into_inner) = replica;
    }
}

/// Passes a request on to a replica.
async fn pass(State(asked): State<Arc<Asked>>, request: Request) -> Response {
    let turn = asked.requests.fetch_add(1, Ordering::Relaxed) % asked.replicas.len();
    let only = *asked.only.lock().unwrap_or_else(PoisonError::into_inner);
    let replica = asked.replicas[only.unwrap_or(turn)];
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the whole body");
    let url = format!("http://{replica}{}", parts.uri);
    let mut onward = asked.http.request(parts.method, url).headers(parts.headers);
    if !body.is_empty() {
        onward = onward.body(body);
    }
    let answer = match onward.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let response = Response::builder().status(502);
            return response.body(Body::from(error.to_string())).expect("an answer");
        }
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "transfer-encoding" | "connection") {
            response = response.header(name, value);
        }
    }
    response.body(Body::from_stream(answer.bytes_stream())).expect("an answer")
}
