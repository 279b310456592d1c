//! Providers for [toolgate]: their endpoints, what departs from the RFCs, and their scopes.
//!
//! Each provider is a module and a feature; no feature is on by default.
//!
//! ```toml
//! toolgate-providers = { version = "0.1", features = ["github"] }
//! ```
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::GitHub;
//!
//! /// Says who is signed in at GitHub.
//! #[tool(scopes = "read:user")]
//! async fn who_am_i(github: AuthedClient<GitHub>) -> Result<String> {
//!     github.get("/user").send().await?.text().await
//! }
//! ```
//!
//! The page of a module has the steps in the provider's console, how a
//! [broker](toolgate::broker) identifies a person, and what to know of its tokens.
//!
//! # Scopes
//!
//! A variant's doc comment is what people read when they are asked for consent. A scope is `read`
//! if it changes nothing, `destructive` if it is there to delete or to hand over control, and
//! `write` otherwise, also where what it writes includes deleting. `implies` follows the
//! provider's documentation. A scope that is missing here can be declared in an enum of your own:
//! the module is one file, to copy or to extend.
//!
//! # Sources
//!
//! Comments in the code name the page of each claim. "Not checked" marks what no page of the
//! provider says.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "google")]
pub mod google;
#[cfg(feature = "notion")]
pub mod notion;
#[cfg(feature = "slack")]
pub mod slack;

#[cfg(feature = "github")]
pub use crate::github::GitHub;
#[cfg(feature = "google")]
pub use crate::google::Google;
#[cfg(feature = "notion")]
pub use crate::notion::Notion;
#[cfg(feature = "slack")]
pub use crate::slack::Slack;

/// Compiles the code of the repository's README, which begins with a provider of this crate.
#[cfg(all(doctest, feature = "all"))]
#[doc = include_str!("../../README.md")]
struct Readme;
