//! A local identity provider for development: no accounts, no passwords, one click for each person.
//!
//! [`Server::dev`](crate::Server::dev) puts it behind the server's own [broker](crate::broker), so
//! that a host goes through the whole flow on one machine: a 401, metadata, registration, consent, a
//! token, and a step-up. Anyone who can reach the server can sign in as anyone, so it answers only
//! to this machine, and refuses to start under any other name.
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
//! # Without providers
//!
//! A provider whose client comes from the environment, and of which nothing is set there, is replaced
//! by its [stand-in](crate::stand_in) on this machine, if it has one: `GitHub::from_env()?` without
//! `GITHUB_CLIENT_ID`. Its consent page lets you withhold scopes, and its start page expires and
//! revokes tokens, answers slowly, or refuses requests as too many. The server says at its start which
//! providers are stand-ins, and where. Their data is made up, and forgotten at the end.
//!
//! # Tokens without a sign-in
//!
//! While it runs, `GET /dev/token?user=alice&scope=orders:read` returns a token for `curl`; add
//! `&expired` for one that is refused. In a test, [`token`] makes such tokens:
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

pub(crate) mod dev_verifier;
pub(crate) mod issuer;
pub(crate) mod sign_in_page;
pub(crate) mod stand_ins;

pub use self::issuer::token;
pub(crate) use self::{
    dev_verifier::DevVerifier,
    sign_in_page::{DevConfig, SignInPage},
    stand_ins::{StandIns, StartedStandIn, start as start_stand_ins},
};
