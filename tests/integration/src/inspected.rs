//! The server of the inspector's browser tests: people in development, scopes of its own, and two
//! providers.
#![allow(clippy::missing_errors_doc, reason = "what a tool fails with is what its test looks at")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::{Server, gate::Gate, prelude::*};

use crate::{
    acme::{Acme, orders},
    host::{client_at, second_client_at},
    tools::{delete_repository, list_issues, open_issue, panics, who_am_i},
};

/// How an order is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parcel {
    /// By post.
    Post,
    /// It is fetched.
    Fetched,
}

/// Places an order.
#[tool(scopes = "orders:write")]
pub async fn place_order(
    caller: Caller<Acme>,
    #[arg(range(1..=9))] count: u8,
    #[arg(length(1..=20))] note: Option<String>,
    parcel: Option<Parcel>,
    number: Option<u64>,
) -> Json<Placed> {
    let parcel = parcel.map(|parcel| format!("{parcel:?}"));
    Json(Placed { who: caller.subject().to_owned(), count, note, parcel, number })
}

/// What was ordered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Placed {
    who: String,
    count: u8,
    note: Option<String>,
    parcel: Option<String>,
    number: Option<u64>,
}

/// Cancels an order.
#[tool(scopes = "orders:read")]
pub async fn cancel_order(_caller: Caller<Acme>, number: u32) -> Result<String> {
    Err(Error::new(format!("order {number} has left the house")))
}

/// Waits until its caller leaves.
#[tool]
pub async fn wait_for_delivery() -> String {
    std::future::pending().await
}

/// Gives the money back.
#[tool(scopes = "orders:write")]
pub async fn refund(caller: Caller<Acme>) -> String {
    format!("refunded {}", caller.subject())
}

/// What the board shows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Board {
    who: String,
    orders: Vec<u64>,
}

/// Shows orders as a board.
#[widget(
    scopes = "orders:read",
    optional_scopes = "orders:write",
    view = "views/orders.html",
    csp(connect = ["https://live.example"])
)]
pub async fn order_board(caller: Caller<Acme>) -> Board {
    Board { who: caller.subject().to_owned(), orders: vec![7, 9_007_199_254_740_993] }
}

/// The server over the forge at `forge`. Nothing listens where its second provider is.
pub fn server(forge: &str) -> Server {
    toolgate::server!()
        .title("Acme Orders")
        .provider(client_at(forge))
        .provider(second_client_at(forge).api("http://127.0.0.1:1/api"))
        .gate(Gate::for_broker())
        .dev::<Acme>(["alice", "bob"])
        .tools(tools![orders, place_order, cancel_order, wait_for_delivery, order_board])
        .tools(tools![list_issues, open_issue, delete_repository, who_am_i, panics])
        .store(toolgate::grant::MemoryStore::new())
}
