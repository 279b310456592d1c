//! A server in development, for the tests of its inspector: with people who need no password, or with
//! the authorization server `ISSUER`.

use integration::acme::{Acme, orders};
use toolgate::prelude::*;

/// Places an order.
#[tool(scopes = "orders:write")]
async fn order(caller: Caller<Acme>, #[arg(range(1..=9))] count: u8) -> String {
    format!("{count} for {}", caller.subject())
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = toolgate::server!()
        .tools(tools![orders, order])
        .store(toolgate::grant::MemoryStore::new())
        .websocket()
        .legacy_sse();
    match std::env::var("ISSUER") {
        Ok(issuer) => {
            server.gate(toolgate::gate::Gate::new(toolgate::gate::oidc(issuer)?)).serve().await
        }
        Err(_) => server.dev::<Acme>(["alice", "bob"]).serve().await,
    }
}
