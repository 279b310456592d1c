#![deny(warnings, missing_docs, unreachable_pub, unused, unused_qualifications)]
//! Denies much.

use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
pub async fn t(github: AuthedClient<GitHub>, name: String) -> Result<String> {
    helper(&github, &name).await
}

/// Helps.
#[requires("repo")]
pub async fn helper(github: &AuthedClient<GitHub>, name: &str) -> Result<String> {
    github.get(path!("/a/{name}")).send().await?.text().await
}

/// A provider.
#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token"
)]
pub enum Example {
    /// Reads.
    #[scope("read")]
    Read,
}

/// Runs.
pub fn main() {
    assert_eq!(tools![t].entries().len(), 1);
}
