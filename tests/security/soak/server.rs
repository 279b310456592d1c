//! The server that is attacked: a broker in front of one provider, and an account at another one.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use forge::{Config, Running};
use integration::{client::text_of, host::client_at, tools::list_issues};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    gate::PeerAddress,
    grant::{GrantStore, ManualClock},
    prelude::*,
};

/// A second forge, with accounts of its own.
#[provider(
    api = "http://127.0.0.1:1/api",
    authorize = "http://127.0.0.1:1/oauth/authorize",
    token = "http://127.0.0.1:1/oauth/token"
)]
pub(super) enum Another {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
}

/// Who the user is at the second forge.
#[tool(scopes = "repo:read")]
async fn who_am_i(another: AuthedClient<Another>) -> Result<String> {
    another.get("/user").send().await?.text().await
}

pub(super) struct Server {
    pub(super) url: String,
    forges: [Running; 2],
    clock: Arc<ManualClock>,
}

/// When the simulated time begins.
pub(super) fn beginning() -> SystemTime {
    SystemTime::now()
}

/// Takes the address of the peer from a header, as behind a proxy that is trusted.
async fn peer_from_header(mut request: Request, next: Next) -> Response {
    let peer = request.headers().get("x-peer").and_then(|peer| peer.to_str().ok()?.parse().ok());
    if let Some(peer) = peer {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    next.run(request).await
}

impl Server {
    pub(super) async fn start(store: impl GrantStore, clock: Arc<ManualClock>) -> Self {
        let forge = forge::start(Config::default().rate_limit(u32::MAX)).await.unwrap();
        let another = Config::default().rate_limit(u32::MAX);
        let another = another.redirect("http://127.0.0.1/callback/another");
        let another = forge::start(another).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let of_another = Another::client(Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .api(format!("{}/api", another.url()))
            .authorize(format!("{}/oauth/authorize", another.url()))
            .token(format!("{}/oauth/token", another.url()));
        let app = toolgate::Server::new("soaked", "1")
            .provider(client_at(forge.url()))
            .provider(of_another)
            .broker::<integration::tools::Forge>(|broker| broker.user("/user", "login"))
            .tools(tools![list_issues, who_am_i])
            .store(store)
            .clock(clock.clone())
            .public_url(&url)
            .build()
            .await
            .unwrap();
        let router = app.into_router().layer(middleware::from_fn(peer_from_header));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, forges: [forge, another], clock }
    }

    /// Lets time pass, for the server and for the forges.
    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.forges.iter().for_each(|forge| forge.advance(by));
    }

    /// The text of the result of a call.
    pub(super) async fn says(&self, token: &str, tool: &str, arguments: Value) -> String {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        let request = reqwest::Client::new()
            .post(format!("{}/mcp", self.url))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .bearer_auth(token)
            .json(&body);
        text_of(&request.send().await.unwrap().json().await.unwrap())
    }
}
