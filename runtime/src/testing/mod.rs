//! Tests of a server: through all of it, gate included, without a socket.
//!
//! A tool is a function, so most tests just call it, with
//! [`AuthedClient::testing`](crate::AuthedClient::testing) for its client. What the server does
//! around it (arguments, scopes, refusals) is tested with a [`Client`]; tokens come from an
//! [`Issuer`], and are verified as those of a real one. Where a tool has a client of a provider, a
//! [`FakeProvider`] replaces the provider, and a [`Person`] grants or denies consent.
//!
//! ```
//! use serde_json::json;
//! use toolgate::{gate::Gate, prelude::*, testing::{Client, Issuer, RESOURCE}};
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
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let issuer = Issuer::new();
//! let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
//! let client = Client::of(toolgate::server!().gate(gate).tools(tools![orders])).await?;
//!
//! let alice = client.with(issuer.token("alice").scopes("orders:read"));
//! assert_eq!(alice.call("orders", json!({})).await.text(), "the orders of alice");
//!
//! let refused = client.with(issuer.token("bob")).call("orders", json!({})).await;
//! assert_eq!(refused.status(), 403);
//! assert!(refused.challenge().contains("insufficient_scope"));
//! # Ok(())
//! # }
//! ```
//!
//! A server with a [broker](crate::Server::broker) makes its tokens itself: there
//! [`Client::sign_in`] does all steps from the registration to the token, as a host does.
//!
//! ```
//! # #[cfg(feature = "broker")]
//! # mod brokered {
//! use serde_json::json;
//! use toolgate::{client::http, prelude::*, testing::{Account, Client, FakeProvider}};
//! # /// A code host.
//! # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
//! # pub enum Forge {
//! #     /// Reads.
//! #     #[scope("repo:read", access = read)]
//! #     Read,
//! #     /// Writes.
//! #     #[scope("repo:write", implies(Read))]
//! #     Write,
//! # }
//!
//! /// Lists the user's repositories.
//! #[tool(scopes = "repo:read")]
//! async fn repositories(forge: AuthedClient<Forge>) -> Result<String> {
//!     forge.get("/repos").send().await?.text().await
//! }
//!
//! /// Makes a repository.
//! #[tool(scopes = "repo:write")]
//! async fn make(forge: AuthedClient<Forge>, name: String) -> Result<String> {
//!     forge.post("/repos").json(&json!({ "name": name })).send().await?.text().await
//! }
//!
//! # pub async fn test() -> Result<()> {
//! let forge = FakeProvider::<Forge>::start(|request| {
//!     let account = request.extensions().get::<Account>().expect("the token is good");
//!     let says = match request.uri().path() {
//!         // What the broker asks: who has signed in?
//!         "/user" => json!({ "id": account.name }).to_string(),
//!         _ => format!("the repositories of {}", account.name),
//!     };
//!     http::Response::new(says.into())
//! })
//! .await?;
//! let server = toolgate::server!()
//!     .provider(forge.client())
//!     .broker::<Forge>(|broker| broker.user("/user", "id"))
//!     .tools(tools![repositories, make]);
//! let client = Client::of(server).await?;
//!
//! let person = client.person("alice");
//! let alice = client.sign_in(&person, "repo:read").await?;
//! let answer = alice.call("repositories", json!({})).await;
//! assert_eq!(answer.text(), "the repositories of alice");
//!
//! let more = alice.call("make", json!({ "name": "compass" })).await;
//! assert_eq!(more.status(), 403, "the host steps up");
//! let alice = client.sign_in(&person, "repo:read repo:write").await?;
//! assert_eq!(alice.call("make", json!({ "name": "compass" })).await.status(), 200);
//! # Ok(())
//! # }
//! # }
//! # #[cfg(feature = "broker")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> toolgate::Result<()> { brokered::test().await }
//! # #[cfg(not(feature = "broker"))]
//! # fn main() {}
//! ```

mod accounts;
pub(crate) mod addresses;
pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod issuer;
pub(crate) mod person;
pub(crate) mod provider;
pub(crate) mod saved_calls;
pub(crate) mod sign_in;

#[cfg(feature = "dev")]
pub(crate) use self::addresses::DEV_LOGIN_PATH;
pub use self::{
    answer::Answer,
    client::Client,
    issuer::{Issuer, Token},
    person::{Browsers, Page, Person},
    provider::{Account, FakeProvider},
    saved_calls::SavedCall,
};

/// The resource URL of a server under test, for [`Gate::resource`](crate::gate::Gate::resource).
pub const RESOURCE: &str = "http://127.0.0.1:8765/mcp";
