//! The attacks and faults of sessions over each transport: who connects, who is refused, what is too
//! much, and what ends.

mod attached;
mod audit;
mod bound;
mod crowds;
mod ends;
mod frames;
mod leaving;
mod local;
mod messages;
mod off;
mod scopes;
mod step_up;
mod tokens;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use integration::{
    acme::{hello, order, orders},
    tools::{add, panics},
    transport::{Dialogue, Opening, Refusal, Transport},
    waiting::{Room, bulk, wait, wait_aloud},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    gate::{Gate, Jwt},
    grant::{Clock, ManualClock},
    prelude::*,
    testing::{Issuer, Token},
};

/// Shows what came with the request.
#[tool]
async fn headers(context: Context) -> String {
    let parts =
        context.request().and_then(|request| request.extensions.get::<http::request::Parts>());
    parts.map(|parts| format!("{} {:?}", parts.uri, parts.headers)).unwrap_or_default()
}

/// A server with every transport, and an issuer of tokens for it.
struct Site {
    address: SocketAddr,
    issuer: Issuer,
    clock: Arc<ManualClock>,
    room: Room,
}

impl Site {
    async fn start() -> Self {
        Self::with(|gate| gate).await
    }

    async fn with(configure: impl FnOnce(Gate) -> Gate) -> Self {
        Self::with_gate(|verifier| configure(Gate::new(verifier))).await
    }

    async fn with_gate(make: impl FnOnce(Jwt) -> Gate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let (issuer, room) = (Issuer::new(), Room::default());
        let gate = make(issuer.verifier().clock(clock.clone()));
        let gate = gate.resource(format!("http://{address}/mcp"));
        let app = toolgate::Server::new("site", "1")
            .tools(tools![orders, order, hello, headers, add, panics, wait, wait_aloud, bulk])
            .state(room.clone())
            .clock(clock.clone())
            .gate(gate)
            .legacy_sse()
            .websocket()
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { address, issuer, clock, room }
    }

    fn resource(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// A token that is issued now, by the clock of the site: it stands still, however long a test takes.
    fn token(&self, subject: &str, scopes: &str) -> Token {
        let now = self.now();
        let token = self.issuer.token(subject).audience(self.resource()).scopes(scopes);
        token.claim("iat", now).claim("exp", now + 300)
    }

    fn now(&self) -> u64 {
        self.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    /// A token that ends so many seconds from now, by the clock of the site.
    fn brief(&self, subject: &str, seconds: i64) -> Token {
        let end = self.now().saturating_add_signed(seconds);
        self.token(subject, "orders:read").claim("exp", end)
    }

    async fn open(&self, transport: Transport, opening: &Opening) -> Result<Dialogue, Refusal> {
        Dialogue::begin(self.address, transport, opening).await
    }

    /// A session with a token of this subject and these scopes.
    async fn session(&self, transport: Transport, subject: &str, scopes: &str) -> Dialogue {
        let opening = Opening::bearer(self.token(subject, scopes));
        self.open(transport, &opening)
            .await
            .unwrap_or_else(|refusal| panic!("{transport:?} refuses {subject}: {refusal:?}"))
    }
}

/// The text of a result.
#[track_caller]
fn text(answer: &Result<Value, Refusal>) -> String {
    integration::client::text_of(answer.as_ref().expect("an answer"))
}

/// The session serves its caller.
async fn assert_adds(dialogue: &mut Dialogue) {
    let added = dialogue.call("add", json!({ "a": 2, "b": 3 })).await;
    assert_eq!(text(&added), "5", "{added:?}");
}

/// Longer than a token may be valid after its end.
const LATER: Duration = Duration::from_secs(600);
