//! A server with a broker in front of a forge of its own, for judges from elsewhere.

use integration::{
    host::client_at,
    tools::{Forge, add, delete_repository, list_issues, open_issue},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let forge = forge::start(forge::Config::default()).await?;
    toolgate::server!()
        .provider(client_at(forge.url()))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .tools(tools![list_issues, open_issue, delete_repository, add])
        .store(toolgate::grant::MemoryStore::new())
        .serve()
        .await
}
