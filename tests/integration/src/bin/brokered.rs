//! A server with a broker in front of a forge of its own, and a second forge, over every transport, for
//! judges from elsewhere.

use integration::{
    host::{client_at, second_client_at},
    tools::{Forge, add, delete_repository, list_issues, open_issue, who_am_i},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let forge = forge::start(forge::Config::default()).await?;
    let redirect = "http://127.0.0.1/callback/second";
    let second = forge::start(forge::Config::default().redirect(redirect)).await?;
    toolgate::server!()
        .provider(client_at(forge.url()))
        .provider(second_client_at(second.url()))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .tools(tools![list_issues, open_issue, delete_repository, who_am_i, add])
        .store(toolgate::grant::MemoryStore::new())
        .legacy_sse()
        .websocket()
        .serve()
        .await
}
