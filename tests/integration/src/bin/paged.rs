//! A server with all pages that a person may see: people sign in by one click, and connect a forge
//! of its own. With `FAULTY` it is a client that the forge does not accept, and with `WITHHELD` the
//! forge never grants that scope.

use std::env;

use integration::{
    host::client_at,
    tools::{Forge, list_issues},
};
use toolgate::prelude::*;

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place and cancel orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

/// Deletes a repository that it has looked at.
#[tool(scopes = ["repo:read", "repo:delete"])]
async fn delete_repository(forge: AuthedClient<Forge>, owner: String, repo: String) -> Result<()> {
    forge.get(path!("/repos/{owner}/{repo}")).send().await?;
    forge.delete(path!("/repos/{owner}/{repo}")).send().await.map(drop)
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut config = forge::Config::default();
    if let Ok(scope) = env::var("WITHHELD") {
        config = config.withhold(scope);
    }
    let forge = forge::start(config).await?;
    let mut client = client_at(forge.url());
    if env::var_os("FAULTY").is_some() {
        client = client.secret("of-another-client");
    }
    toolgate::server!()
        .provider(client)
        .dev::<Acme>(["alice", "bob"])
        .tools(tools![list_issues, delete_repository])
        .store(toolgate::grant::MemoryStore::new())
        .serve()
        .await
}
