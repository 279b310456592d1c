//! Tests of the client against a real server.

mod requests;
mod responses;
mod signals;
mod tokens;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, response::Response as ApiResponse};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Method, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
};

use super::{connection::Closure, pages::MAX_PAGES, *};
use crate::{ErrorKind, prelude::*};

/// A code host.
#[provider(
    api = "https://api.forge.example/v3/",
    authorize = "https://forge.example/authorize",
    token = "https://forge.example/token"
)]
enum Forge {
    /// Reads.
    #[scope("repo:read", access = read)]
    Read,
}

type Client = AuthedClient<Forge>;

const TOKEN: &str = "tok-3n-of-alice";

/// An API on a free port that records requests. It stops when it is dropped.
struct Api {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Api {
    async fn serve(answer: impl Fn(&Seen) -> ApiResponse + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let log = Arc::clone(&seen);
        let router = Router::new().fallback(move |request: Request| {
            let (answer, log) = (answer.clone(), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let seen =
                    Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
                log.lock().unwrap().push(seen.clone());
                answer(&seen)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, task }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> Client {
        Client::testing(&self.url(), TOKEN)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> ApiResponse {
    let mut answer = ApiResponse::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

fn ok(body: impl Into<Body>) -> ApiResponse {
    answer(200, &[], body)
}

fn status_of(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::UpstreamRefused { status, .. } => *status,
        kind => panic!("{kind:?}: {error}"),
    }
}

fn is_unreachable(error: &Error) -> bool {
    *error.kind() == ErrorKind::UpstreamUnreachable { provider: "Forge" }
}

/// Checks that no text of the error contains the token.
fn tells_no_secret(error: &Error) {
    let texts = format!("{error} {error:?} {:?} {:?}", error.kind(), error.report());
    assert!(!texts.contains(TOKEN), "{texts}");
}
