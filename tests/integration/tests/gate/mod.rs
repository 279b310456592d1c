//! A server with a gate: who may connect, who may call what, and how the others are refused.

mod products;
mod scopes;
mod tokens;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use forge::Config;
use integration::{
    acme::{hello, order, orders},
    client::call_message,
    host::client_at,
    tools::{list_issues, open_issue},
};
use serde_json::Value;
use tokio::net::TcpListener;
use toolgate::{
    client::http::HeaderMap,
    gate::{AuthError, BrowserIdentity, Claims, Gate, PresentedToken, Verifier, async_trait},
    grant::{ManualClock, MemoryStore},
    prelude::*,
};

/// Shows what came with the request.
#[tool]
async fn headers(context: Context) -> String {
    let parts =
        context.request().and_then(|request| request.extensions.get::<http::request::Parts>());
    parts.map(|parts| format!("{:?}", parts.headers)).unwrap_or_default()
}

/// Tokens that say who they are of: `alice:orders:read,orders:write`.
struct Spelled(Arc<ManualClock>);

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let (subject, scopes) = match presented.credentials.token().split_once('.') {
            Some(("down", _)) => {
                return Err(AuthError::Unavailable { retry_after: Duration::from_secs(7) });
            }
            Some(("old", _)) => return Err(AuthError::Expired { ago: Duration::from_secs(3) }),
            Some(pair) => pair,
            None => return Err(AuthError::BadSignature),
        };
        let scopes = scopes.split('.').map(|scope| scope.replace('-', ":"));
        let claims = Claims::new("https://login.example", subject).scopes(scopes);
        // 30 s are how far clocks may differ: a brief token ends in a quarter of a second.
        let now = toolgate::grant::Clock::now(&*self.0);
        let claims = claims.expires_at(match subject {
            "brief" => now - Duration::from_millis(29_750),
            _ => now + Duration::from_secs(60),
        });
        Ok(if subject == "robot" { claims.client_credentials() } else { claims })
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://login.example".to_owned()]
    }
}

/// The application's own sessions: a cookie that says who it is.
struct Cookie;

#[async_trait]
impl BrowserIdentity for Cookie {
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError> {
        let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok());
        let name = cookie.and_then(|cookie| cookie.strip_prefix("person="));
        Ok(name.map(|name| Claims::new("https://login.example", name)))
    }

    fn sign_in(&self, path: &str) -> String {
        format!("/login?next={path}")
    }
}

struct Guarded {
    url: String,
    address: SocketAddr,
    _forge: forge::Running,
}

impl Guarded {
    async fn start(configure: impl FnOnce(Gate) -> Gate) -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/mcp");
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let gate = configure(Gate::new(Spelled(clock.clone())).browser(Cookie).resource(&url));
        let app = toolgate::Server::new("guarded", "1")
            .provider(client_at(forge.url()))
            .tools(tools![orders, order, hello, headers, list_issues, open_issue])
            .store(MemoryStore::with_clock(clock.clone()))
            .clock(clock.clone())
            .gate(gate)
            .build()
            .await
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, app.into_router()).await });
        Self { url, address, _forge: forge }
    }

    async fn post(&self, token: &str, body: &Value, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .json(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> reqwest::Response {
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        self.post(token, &call_message(tool, arguments), &modern).await
    }
}

fn challenge(response: &reqwest::Response) -> String {
    response.headers()["www-authenticate"].to_str().unwrap().to_owned()
}
