//! Step-up by the server: a call without its scopes succeeds with the same token, after its user has
//! allowed more under a link.

mod attacks;
mod eras;
mod socket;
mod walk;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use forge::{Config, Running};
use integration::{
    broker::{Application, Browser, Page},
    client::text_of,
    deployment::Deployment,
    host::client_at,
    tools::{Forge, add, delete_repository, list_issues, open_issue},
};
use serde_json::{Value, json};
use toolgate::{
    gate::{Gate, StepUp},
    grant::{ManualClock, MemoryStore},
    prelude::*,
};

/// Scopes that no provider has.
#[catalogue]
enum Acme {
    /// Read your orders.
    #[scope("orders:read", access = read)]
    Orders,
}

/// Lists orders.
#[tool(scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

/// A server with a broker.
struct Site {
    url: String,
    forge: Running,
    clock: Arc<ManualClock>,
}

impl Site {
    async fn start(step_up: StepUp) -> Self {
        Self::with(Config::default(), Gate::for_broker().step_up(step_up)).await
    }

    async fn with(config: Config, gate: Gate) -> Self {
        let forge = forge::start(config).await.unwrap();
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let server = || {
            toolgate::Server::new("step-up", "1")
                .provider(client_at(forge.url()))
                .broker::<Forge>(|broker| broker.user("/user", "login"))
                .gate(gate.clone())
                .tools(tools![list_issues, open_issue, delete_repository, add, list_orders])
                .clock(clock.clone())
                .public_url(url.as_str())
                .legacy_sse()
                .websocket()
        };
        deployment.serve(MemoryStore::with_clock(clock.clone()), &clock, server).await;
        Self { url, forge, clock }
    }

    /// A host that is signed in with `repo:read`, and the browser in which its user did that.
    async fn sign_in(&self, name: &str, user: &str) -> SignedIn {
        let (host, browser) = (Application::register_named(&self.url, name).await, Browser::new());
        let tokens = host.sign_in(&browser, "repo:read", user).await;
        let (token, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        SignedIn { host, browser, token, refresh }
    }

    /// A call of 2026-07-28 by a client that declares nothing.
    async fn call(&self, token: &str, tool: &str, arguments: Value) -> reqwest::Response {
        self.call_with(token, tool, json!({ "arguments": arguments }), json!({})).await
    }

    /// A call of 2026-07-28 by a client with these capabilities.
    async fn call_with(
        &self,
        token: &str,
        tool: &str,
        mut params: Value,
        capabilities: Value,
    ) -> reqwest::Response {
        params["name"] = json!(tool);
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        self.post(token, "tools/call", &body).header("mcp-name", tool).send().await.unwrap()
    }

    fn post(&self, token: &str, method: &str, body: &Value) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .post(format!("{}/mcp", self.url))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .bearer_auth(token)
            .json(body)
    }

    /// The answer to a call that opens an issue.
    async fn open_issue(&self, token: &str) -> Value {
        let answer = self.call(token, "open_issue", titled()).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        answer.json().await.unwrap()
    }

    /// The link with which such a call is answered.
    async fn link(&self, token: &str) -> String {
        integration::client::link_in(&text_of(&self.open_issue(token).await))
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.forge.advance(by);
    }
}

/// A host, its user's browser, and its tokens.
struct SignedIn {
    host: Application,
    browser: Browser,
    token: String,
    refresh: String,
}

impl SignedIn {
    /// Opens the link, and allows what it asks for, here and at the provider.
    async fn allow(&self, link: &str, user: &str) -> Page {
        let page = self.browser.open(link).await;
        assert!(asks(&page), "{}: {}", page.url, page.body);
        let page = self.decide(&page, "allow").await;
        self.browser.at_forge(page, user, "approve").await
    }

    async fn decide(&self, page: &Page, decision: &str) -> Page {
        self.browser.send(page, &[("decision", decision)], &[]).await
    }
}

/// Whether the page asks for more access.
fn asks(page: &Page) -> bool {
    page.status == 200 && page.body.contains("asks for more")
}

fn titled() -> Value {
    json!({ "owner": "alice", "repo": "compass", "title": "It spins" })
}

/// Whether a call opened its issue.
fn is_opened(answer: &Value) -> bool {
    answer["result"]["isError"] != true && text_of(answer).contains("It spins")
}
