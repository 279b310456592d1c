//! The server of the tests as a program, over the forge at `FORGE_URL`. `LEASE_MS`: how long the right to
//! renew a token lasts.

use std::time::Duration;

use integration::{
    host::{client_at, leased_for},
    tools::{add, list_issues, open_issue},
};
use toolgate::{grant::RefreshPolicy, prelude::*};

#[tokio::main]
async fn main() -> Result<()> {
    let forge = std::env::var("FORGE_URL")?;
    let policy = match std::env::var("LEASE_MS") {
        Ok(lease) => leased_for(Duration::from_millis(lease.parse()?)),
        Err(_) => RefreshPolicy::default(),
    };
    toolgate::server!()
        .provider(client_at(&forge).revoke(format!("{forge}/oauth/revoke")))
        .tools(tools![list_issues, open_issue, add])
        .refresh_policy(policy)
        .legacy_sse()
        .websocket()
        .serve()
        .await
}
