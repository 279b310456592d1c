//! Nothing is in scope here but what is named.
#![no_implicit_prelude]

use ::gatekeeper::{path, tool, AuthedClient};
use ::std::{option::Option, string::String};

use crate::host::Host;

/// Greets.
#[tool(title = "Greeting", crate = ::gatekeeper)]
pub async fn greet(
    /// Whom.
    #[arg(default = "world", length(1..=9), pattern = "^[a-z]+$")]
    name: String,
    #[arg(one_of("en", "de"))] language: Option<String>,
) -> String {
    let _ = language;
    name
}

/// Stars a repository.
///
/// # Errors
/// The host refuses.
#[tool(scopes = "repo", idempotent, crate = ::gatekeeper)]
pub async fn star(host: AuthedClient<Host>, repo: String) -> ::gatekeeper::Result<()> {
    match host.put(path!("/stars/{repo}")).send().await {
        ::std::result::Result::Ok(_) => ::std::result::Result::Ok(()),
        ::std::result::Result::Err(error) => ::std::result::Result::Err(error),
    }
}
