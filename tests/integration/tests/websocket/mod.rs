//! MCP over WebSocket: who may open a connection, what its messages may do, and when it ends.

mod ends;
mod messages;
mod scopes;
mod upgrade;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use integration::{
    acme::{order, orders},
    tools::{add, count},
    waiting::{Room, soon, wait},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait},
    grant::{Clock, ManualClock},
    prelude::*,
};

/// Shows what came with the request.
#[tool]
async fn headers(context: Context) -> String {
    let parts =
        context.request().and_then(|request| request.extensions.get::<http::request::Parts>());
    parts.map(|parts| format!("{:?}", parts.headers)).unwrap_or_default()
}

/// Asks the client for its roots.
#[tool]
#[allow(deprecated, reason = "clients of 2025 have roots")]
async fn roots(context: Context) -> Result<String> {
    let request = context.request().ok_or("there is no request")?;
    let listed = request.peer.list_roots().await.map_err(|error| error.to_string())?;
    Ok(listed.roots.iter().map(|root| root.uri.clone()).collect())
}

/// Tokens that say whose they are, with their scopes: `alice.orders-read`.
#[derive(Clone)]
struct Spelled {
    clock: Arc<ManualClock>,
    revoked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let token = presented.credentials.token();
        if self.revoked.lock().unwrap().iter().any(|revoked| revoked == token) {
            return Err(AuthError::Inactive);
        }
        let (subject, scopes) = token.split_once('.').ok_or(AuthError::BadSignature)?;
        if subject == "down" && !scopes.is_empty() {
            return Err(AuthError::Unavailable { retry_after: Duration::from_secs(7) });
        }
        let scopes = scopes.split('.').map(|scope| scope.replace('-', ":"));
        // The first token was issued when the clock began.
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
        let claims = Claims::new("https://login.example", subject).scopes(scopes);
        Ok(claims.expires_at(end))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

/// A server behind a gate.
struct Guarded {
    address: SocketAddr,
    tokens: Spelled,
    room: Room,
}

impl Guarded {
    async fn start() -> Self {
        Self::with(|gate| gate, "").await
    }

    /// A server with this gate, whose URL has this path.
    async fn with(configure: impl FnOnce(Gate) -> Gate, path: &str) -> Self {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let tokens = Spelled { clock: clock.clone(), revoked: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let room = Room::default();
        let gate = Gate::new(tokens.clone()).resource(format!("http://{address}{path}/mcp"));
        let app = Server::new("guarded", "1")
            .tools(tools![add, count, headers, order, orders, roots, wait])
            .state(room.clone())
            .clock(clock)
            .gate(configure(gate))
            .websocket()
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { address, tokens, room }
    }

    fn advance(&self, by: Duration) {
        self.tokens.clock.advance(by);
        assert!(self.tokens.clock.now() > SystemTime::UNIX_EPOCH);
    }

    fn revoke(&self, token: &str) {
        self.tokens.revoked.lock().unwrap().push(token.to_owned());
    }
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

fn no_capabilities() -> Value {
    json!({})
}
