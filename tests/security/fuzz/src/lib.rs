//! A broker that strangers register at.

use std::{
    net::Ipv4Addr,
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, SystemTime},
};

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use toolgate::{
    broker::{Broker, PeerAddress},
    grant::{Grants, ManualClock, MemoryStore},
    prelude::*,
};
use tower::ServiceExt;

#[provider(
    api = "https://api.forge.example",
    authorize = "https://forge.example/authorize",
    token = "https://forge.example/token"
)]
enum Forge {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

static CLOCK: LazyLock<Arc<ManualClock>> =
    LazyLock::new(|| Arc::new(ManualClock::at(SystemTime::now())));

fn broker() -> Router {
    let store = Arc::new(MemoryStore::with_clock(CLOCK.clone()));
    let grants = Grants::new(store.clone(), CLOCK.clone());
    let url = "https://tools.example";
    Broker::builder(url, format!("{url}/mcp"), Forge::client("fuzz"), grants, store)
        .user("/user", "id")
        .clock(CLOCK.clone())
        .build()
        .unwrap()
        .router()
}

/// The broker, and how many have come.
static BROKER: LazyLock<Mutex<(Router, u32)>> = LazyLock::new(|| Mutex::new((broker(), 0)));

/// Registers a client with this metadata; the status and the JSON of the answer.
pub fn register(body: Vec<u8>) -> (u16, Value) {
    let mut shared = BROKER.lock().unwrap();
    shared.1 += 1;
    // The limits for strangers, and what was registered before, are not what is looked at.
    CLOCK.advance(Duration::from_secs(60));
    if shared.1 % 500 == 0 {
        shared.0 = broker();
    }
    let peer = PeerAddress(Ipv4Addr::from_bits(shared.1).into());
    let request = Request::post("/oauth/register")
        .header("content-type", "application/json")
        .extension(peer)
        .body(Body::from(body))
        .unwrap();
    RUNTIME.block_on(async {
        let response = shared.0.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    })
}
