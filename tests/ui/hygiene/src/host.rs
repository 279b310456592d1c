//! A provider and a helper.

use gatekeeper::{path, provider, requires, scope::Catalogue, tool, AuthedClient, Result};

/// A host of code.
#[provider(
    api = "https://api.host.example",
    authorize = "https://host.example/authorize",
    token = "https://host.example/token",
    crate = ::gatekeeper
)]
pub enum Host {
    /// Reads.
    #[scope("repo:read", access = read)]
    Read,
    /// Writes.
    #[scope("repo", implies(Read))]
    Write,
}

/// Closes an issue.
///
/// # Errors
/// The host refuses.
#[tool(scopes = "repo", crate = ::gatekeeper)]
pub async fn close_issue(
    host: AuthedClient<Host>,
    /// Its number.
    #[arg(range(1..), example = 7)]
    number: u64,
) -> Result<()> {
    close(&host, number).await
}

#[requires("repo", crate = ::gatekeeper)]
async fn close(host: &AuthedClient<Host>, number: u64) -> Result<()> {
    host.delete(path!("/issues/{number}")).send().await.map(drop)
}

/// The provider's name, so that the trait is used in this edition, too.
#[must_use]
pub const fn name() -> &'static str {
    Host::NAME
}
