//! A server in development that a supervisor replaces: with people who need no password and a stand-in
//! of GitHub. `STORE=memory`: what it stores is in memory. `VERSION=2`: its tools are others.

use std::env;

use integration::acme::{Acme, order, orders};
use toolgate::{grant::MemoryStore, prelude::*};
use toolgate_providers::GitHub;

/// Lists the user's addresses.
#[tool(scopes = "user:email")]
async fn addresses(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user/emails").send().await?.text().await
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = toolgate::server!()
        .provider(GitHub::from_env()?)
        .dev::<Acme>(["alice", "bob"])
        .legacy_sse()
        .websocket()
        .tools(tools![orders, addresses]);
    let server = match env::var("STORE") {
        Ok(_) => server.store(MemoryStore::new()),
        Err(_) => server,
    };
    let is_second = env::var("VERSION").is_ok_and(|version| version == "2");
    let server = if is_second { server.tools(tools![order]) } else { server };
    server.serve().await
}
