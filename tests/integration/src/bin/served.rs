//! The server of the tests as a program, over the forge at `FORGE_URL`.

use integration::{
    host::{client_at, impatient},
    tools::{add, list_issues, open_issue},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let forge = std::env::var("FORGE_URL")?;
    toolgate::server!()
        .provider(client_at(&forge))
        .tools(tools![list_issues, open_issue, add])
        .refresh_policy(impatient())
        .legacy_sse()
        .websocket()
        .serve()
        .await
}
