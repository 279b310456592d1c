//! A server that accepts tokens of an outside authorization server, over every transport: `ISSUER`, and
//! `RESOURCE`, the URL at which it is served.

use std::env;

use toolgate::{
    gate::{Gate, oidc},
    prelude::*,
};

/// What a customer may do.
#[catalogue]
pub enum Acme {
    /// See one's orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

/// Lists the caller's orders.
#[tool(scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order for the caller.
#[tool(scopes = "orders:write")]
async fn place_order(caller: Caller<Acme>, article: String) -> String {
    format!("{article} for {}", caller.subject())
}

#[tokio::main]
async fn main() -> Result<()> {
    let gate = Gate::new(oidc(env::var("ISSUER")?)?).resource(env::var("RESOURCE")?);
    toolgate::server!()
        .gate(gate)
        .tools(tools![list_orders, place_order])
        .legacy_sse()
        .websocket()
        .serve()
        .await
}
