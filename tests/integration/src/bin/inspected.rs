//! A server in development, for the tests of its inspector.

use toolgate::prelude::*;

/// What customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", implies(Read))]
    Write,
}

/// Says whose orders these are.
#[tool(scopes = "orders:read")]
async fn orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn order(caller: Caller<Acme>, #[arg(range(1..=9))] count: u8) -> String {
    format!("{count} for {}", caller.subject())
}

#[tokio::main]
async fn main() -> Result<()> {
    toolgate::server!()
        .dev::<Acme>(["alice", "bob"])
        .tools(tools![orders, order])
        .store(toolgate::grant::MemoryStore::new())
        .serve()
        .await
}
