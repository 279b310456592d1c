//! Profiles: what each provider answers, word for word, for its stand-in.
//!
//! They are kept apart from the declarations, so that a test of both shows that they agree.

#[cfg(feature = "airtable")]
pub(crate) mod airtable;
#[cfg(feature = "asana")]
pub(crate) mod asana;
#[cfg(feature = "atlassian")]
pub(crate) mod atlassian;
#[cfg(feature = "box-com")]
pub(crate) mod box_com;
#[cfg(feature = "discord")]
pub(crate) mod discord;
#[cfg(feature = "dropbox")]
pub(crate) mod dropbox;
#[cfg(feature = "figma")]
pub(crate) mod figma;
#[cfg(any(feature = "github", feature = "github-app"))]
pub(crate) mod github;
#[cfg(feature = "github-app")]
pub(crate) mod github_app;
#[cfg(feature = "gitlab")]
pub(crate) mod gitlab;
#[cfg(feature = "google")]
pub(crate) mod google;
#[cfg(feature = "hubspot")]
pub(crate) mod hubspot;
#[cfg(feature = "linear")]
pub(crate) mod linear;
#[cfg(feature = "microsoft")]
pub(crate) mod microsoft;
#[cfg(feature = "notion")]
pub(crate) mod notion;
#[cfg(feature = "salesforce")]
pub(crate) mod salesforce;
#[cfg(any(feature = "slack", feature = "slack-bot"))]
pub(crate) mod slack;
#[cfg(feature = "slack-bot")]
pub(crate) mod slack_bot;
#[cfg(feature = "spotify")]
pub(crate) mod spotify;
#[cfg(feature = "stripe")]
pub(crate) mod stripe;
#[cfg(feature = "x")]
pub(crate) mod x;
#[cfg(feature = "zoom")]
pub(crate) mod zoom;
