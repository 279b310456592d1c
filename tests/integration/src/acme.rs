//! The API of a company, with scopes of an outside authorization server, and tools that need them.

use toolgate::prelude::*;

/// What our customers may do.
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
pub async fn orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order.
#[tool(scopes = "orders:write")]
pub async fn order(caller: Caller<Acme>) -> String {
    format!("ordered for {}", caller.subject())
}

/// Says hello.
#[tool]
pub async fn hello(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "hello".to_owned(), |caller| format!("hello {}", caller.subject()))
}
