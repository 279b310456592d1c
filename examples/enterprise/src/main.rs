//! Tools with scopes of our own, for people who sign in at our own authorization server.

use std::{
    collections::HashMap,
    env,
    sync::{Mutex, PoisonError},
};

use schemars::JsonSchema;
use serde::Serialize;
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
    /// Place and cancel orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

/// The orders of each customer.
#[derive(Default)]
struct Orders(Mutex<HashMap<String, Vec<Order>>>);

#[derive(Clone, Serialize, JsonSchema)]
struct Order {
    article: String,
    pieces: u32,
}

impl Orders {
    fn of<T>(&self, customer: &str, look: impl FnOnce(&mut Vec<Order>) -> T) -> T {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(orders.entry(customer.to_owned()).or_default())
    }
}

/// Lists the caller's orders.
#[tool(scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>, orders: State<Orders>) -> Json<Vec<Order>> {
    Json(orders.of(caller.subject(), |orders| orders.clone()))
}

/// Places an order for the caller.
#[tool(scopes = "orders:write")]
async fn place_order(
    caller: Caller<Acme>,
    orders: State<Orders>,
    /// What is ordered.
    #[arg(length(1..=80))]
    article: String,
    /// How many.
    #[arg(default = 1, range(1..=1000))]
    pieces: u32,
) -> Json<Order> {
    let order = Order { article, pieces };
    orders.of(caller.subject(), |orders| orders.push(order.clone()));
    Json(order)
}

#[tokio::main]
async fn main() -> Result<()> {
    let server =
        toolgate::server!().state(Orders::default()).tools(tools![list_orders, place_order]);
    let server = match (env::var("ISSUER"), env::var("RESOURCE")) {
        (Ok(issuer), Ok(resource)) => server.gate(Gate::new(oidc(issuer)?).resource(resource)),
        _ => server.dev::<Acme>(["alice", "bob"]),
    };
    server.serve().await
}
