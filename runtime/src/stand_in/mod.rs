//! Stand-ins of providers, which take their place in tests and in development without a network.
//!
//! A provider that declares a [`Profile`] has a stand-in: an OAuth server and a few routes of its API,
//! on a free port of this machine, which answer as the provider does. Its state is in memory, and it
//! fails on command. What `https://HOST/PATH` is at the provider is `/HOST/PATH` there.
//!
//! ```
//! use serde_json::json;
//! use toolgate::{
//!     prelude::*,
//!     provider::profile::{Profile, Route},
//!     stand_in::StandIn,
//!     testing::Client,
//! };
//!
//! /// What the code host answers.
//! const PROFILE: &Profile = &Profile {
//!     authorize: "https://a.example/authorize",
//!     token: "https://a.example/token",
//!     read: Route::new("GET", "https://api.a.example/repos", &["repo:read"], r#"["$account/compass"]"#),
//!     ..Profile::STANDARD
//! };
//!
//! /// A code host.
//! #[provider(
//!     api = "https://api.a.example",
//!     authorize = "https://a.example/authorize",
//!     token = "https://a.example/token",
//!     stand_in = PROFILE
//! )]
//! pub enum Forge {
//!     /// Reads.
//!     #[scope("repo:read", access = read)]
//!     Read,
//! }
//!
//! /// Lists the user's repositories.
//! #[tool(scopes = "repo:read")]
//! async fn repositories(forge: AuthedClient<Forge>) -> Result<String> {
//!     forge.get("/repos").send().await?.text().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let forge = StandIn::<Forge>::start().await?;
//! let server = toolgate::server!().provider(forge.client()).tools(tools![repositories]);
//! let client = Client::of(server).await?;
//!
//! let asks = client.call("repositories", json!({})).await;
//! client.person("alice").open(asks.link().expect("a link")).await?;
//! assert_eq!(client.call("repositories", json!({})).await.text(), r#"["alice/compass"]"#);
//!
//! forge.revoke_grants();
//! assert!(client.call("repositories", json!({})).await.link().is_some(), "the user is asked again");
//! # Ok(())
//! # }
//! ```

pub(crate) mod api;
pub(crate) mod authorize;
pub(crate) mod dispatch;
pub(crate) mod engine;
pub(crate) mod faults;
#[cfg(feature = "dev")]
pub(crate) mod hand_over;
pub(crate) mod handle;
pub(crate) mod listener;
pub(crate) mod pages;
pub(crate) mod revoke;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod url_pattern;
pub(crate) mod world;

pub(crate) use self::authorize::CONSENT_PATH;
#[cfg(feature = "dev")]
pub(crate) use self::handle::{Replaced, replace};
pub use self::{handle::StandIn, world::Counts};
#[cfg(doc)]
use crate::provider::profile::Profile;
