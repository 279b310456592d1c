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
//! [broker](https://docs.rs/toolgate/latest/toolgate/broker/) identifies a person, and what to know of its tokens.
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

mod profile;

#[cfg(feature = "airtable")]
pub mod airtable;
#[cfg(feature = "airtable")]
pub use crate::airtable::Airtable;

#[cfg(feature = "asana")]
pub mod asana;
#[cfg(feature = "asana")]
pub use crate::asana::Asana;

#[cfg(feature = "atlassian")]
pub mod atlassian;
#[cfg(feature = "atlassian")]
pub use crate::atlassian::Atlassian;

#[cfg(feature = "box-com")]
pub mod box_com;
#[cfg(feature = "box-com")]
pub use crate::box_com::BoxCom;

#[cfg(feature = "discord")]
pub mod discord;
#[cfg(feature = "discord")]
pub use crate::discord::Discord;

#[cfg(feature = "dropbox")]
pub mod dropbox;
#[cfg(feature = "dropbox")]
pub use crate::dropbox::Dropbox;

#[cfg(feature = "figma")]
pub mod figma;
#[cfg(feature = "figma")]
pub use crate::figma::Figma;

#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "github")]
pub use crate::github::GitHub;

#[cfg(feature = "github-app")]
pub mod github_app;
#[cfg(feature = "github-app")]
pub use crate::github_app::GitHubApp;

#[cfg(feature = "gitlab")]
pub mod gitlab;
#[cfg(feature = "gitlab")]
pub use crate::gitlab::GitLab;

#[cfg(feature = "google")]
pub mod google;
#[cfg(feature = "google")]
pub use crate::google::Google;

#[cfg(feature = "hubspot")]
pub mod hubspot;
#[cfg(feature = "hubspot")]
pub use crate::hubspot::HubSpot;

#[cfg(feature = "linear")]
pub mod linear;
#[cfg(feature = "linear")]
pub use crate::linear::Linear;

#[cfg(feature = "microsoft")]
pub mod microsoft;
#[cfg(feature = "microsoft")]
pub use crate::microsoft::Microsoft;

#[cfg(feature = "notion")]
pub mod notion;
#[cfg(feature = "notion")]
pub use crate::notion::Notion;

#[cfg(feature = "salesforce")]
pub mod salesforce;
#[cfg(feature = "salesforce")]
pub use crate::salesforce::Salesforce;

#[cfg(feature = "slack")]
pub mod slack;
#[cfg(feature = "slack")]
pub use crate::slack::Slack;

#[cfg(feature = "slack-bot")]
pub mod slack_bot;
#[cfg(feature = "slack-bot")]
pub use crate::slack_bot::SlackBot;

#[cfg(feature = "spotify")]
pub mod spotify;
#[cfg(feature = "spotify")]
pub use crate::spotify::Spotify;

#[cfg(feature = "stripe")]
pub mod stripe;
#[cfg(feature = "stripe")]
pub use crate::stripe::Stripe;

#[cfg(feature = "x")]
pub mod x;
#[cfg(feature = "x")]
pub use crate::x::X;

#[cfg(feature = "zoom")]
pub mod zoom;
#[cfg(feature = "zoom")]
pub use crate::zoom::Zoom;

/// Compiles the code of the repository's README, which begins with a provider of this crate.
#[cfg(all(doctest, feature = "all"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles the code of the guide for a start.
#[cfg(all(doctest, feature = "all"))]
#[doc = include_str!("../../docs/start.md")]
struct Start;
