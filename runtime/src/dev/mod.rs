//! A local identity provider, for development: no account, no password, one click for each person.
//!
//! [`Server::dev`](crate::Server::dev) puts it behind the server's own [broker](crate::broker), so
//! that a host goes the whole way on one machine: a 401, metadata, registration, consent, a token,
//! and a step-up. Whoever can reach the server can be anybody, so it answers this machine alone, and
//! refuses to start under any other name.
//!
//! ```no_run
//! use toolgate::prelude::*;
//!
//! /// What our customers may do.
//! #[catalogue]
//! pub enum Acme {
//!     /// See orders.
//!     #[scope("orders:read", access = read)]
//!     Read,
//! }
//!
//! /// Says whose orders these are.
//! #[tool(scopes = "orders:read")]
//! async fn orders(caller: Caller<Acme>) -> String {
//!     format!("the orders of {}", caller.subject())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     toolgate::server!().dev::<Acme>(["alice", "bob"]).tools(tools![orders]).serve().await
//! }
//! ```
//!
//! While it runs, `GET /dev/token?user=alice&scope=orders:read` gives a token for `curl`; add
//! `&expired` to see one refused. In a test, [`token`] makes the same ones:
//!
//! ```
//! use serde_json::json;
//! use toolgate::{dev, prelude::*, testing::Client};
//! # /// What our customers may do.
//! # #[catalogue]
//! # pub enum Acme {
//! #     /// See orders.
//! #     #[scope("orders:read", access = read)]
//! #     Read,
//! # }
//! # /// Says whose orders these are.
//! # #[tool(scopes = "orders:read")]
//! # async fn orders(caller: Caller<Acme>) -> String {
//! #     format!("the orders of {}", caller.subject())
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let server = toolgate::server!().dev::<Acme>(["alice"]).tools(tools![orders]);
//! let client = Client::of(server).await?;
//! let token = || dev::token("alice").scopes("orders:read");
//! let answer = client.with(token()).call("orders", json!({})).await;
//! assert_eq!(answer.text(), "the orders of alice");
//! assert_eq!(client.with(token().expired()).call("orders", json!({})).await.status(), 401);
//! # Ok(())
//! # }
//! ```

pub(crate) mod login;
pub(crate) mod verifier;

use std::sync::LazyLock;

pub(crate) use self::{
    login::{Login, Wanted},
    verifier::Either,
};
use crate::testing::{Issuer, Token};

/// Who signs the tokens that nobody signed in for: a key of this process.
static ISSUER: LazyLock<Issuer> = LazyLock::new(Issuer::new);

/// A token of this person for a server with [`Server::dev`](crate::Server::dev) in this process,
/// good for five minutes, without scopes.
pub fn token(subject: impl Into<String>) -> Token {
    ISSUER.token(subject)
}
