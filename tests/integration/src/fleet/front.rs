//! The proxy of a fleet: it asks each process in its turn, and the next one where nobody listens.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
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
use tokio::net::TcpListener;

/// The header that names the process.
pub(super) const SERVED_BY: &str = "x-served-by";

struct Front {
    http: reqwest::Client,
    replicas: Vec<SocketAddr>,
    requests: AtomicUsize,
    /// How often all processes are asked before the proxy says that there is none.
    rounds: usize,
}

pub(super) fn serve(listener: TcpListener, replicas: Vec<SocketAddr>, rounds: usize) {
    // A connection for each request: one that is kept may end while a request is on its way.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(120));
    let http = http.build().expect("a client can be made");
    let front = Arc::new(Front { http, replicas, requests: AtomicUsize::new(0), rounds });
    let router = Router::new().fallback(pass).with_state(front);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn pass(State(front): State<Arc<Front>>, request: Request) -> Response {
    let turn = front.requests.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return says(400, "", "") };
    for attempt in 0..front.replicas.len() * front.rounds {
        let replica = front.replicas[(turn + attempt) % front.replicas.len()];
        let url = format!("http://{replica}{}", parts.uri);
        let mut onward =
            front.http.request(parts.method.clone(), url).headers(parts.headers.clone());
        if let Some(peer) = parts.headers.get("x-peer") {
            onward = onward.header("x-forwarded-for", peer);
        }
        if !body.is_empty() {
            onward = onward.body(body.clone());
        }
        let name = replica.to_string();
        let answer = match onward.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                if front.rounds > 1 && (attempt + 1) % front.replicas.len() == 0 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
            Err(error) => {
                return says(502, &name, &format!("the connection broke: {}", chain(&error)));
            }
        };
        let mut response = Response::builder().status(answer.status()).header(SERVED_BY, &name);
        for (name, value) in answer.headers() {
            if !matches!(name.as_str(), "transfer-encoding" | "connection" | "content-length") {
                response = response.header(name, value);
            }
        }
        return match answer.bytes().await {
            Ok(bytes) => response.body(Body::from(bytes)).expect("an answer"),
            Err(error) => says(502, &name, &format!("the answer broke off: {}", chain(&error))),
        };
    }
    says(503, "", "no process listens")
}

/// An error with its causes, and without the URL.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn says(status: u16, served_by: &str, text: &str) -> Response {
    let response = Response::builder().status(status).header(SERVED_BY, served_by);
    response.body(Body::from(text.to_owned())).expect("an answer")
}
