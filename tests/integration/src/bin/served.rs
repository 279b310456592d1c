//! The server of the tests as a program, over the forge at `FORGE_URL`. `PATIENT=1`: a refresh may take its
//! usual time.

use integration::{
    host::{client_at, impatient},
    tools::{add, list_issues, open_issue},
};
use toolgate::{grant::RefreshPolicy, prelude::*};

#[tokio::main]
async fn main() -> Result<()> {
    let forge = std::env::var("FORGE_URL")?;
    let policy = match std::env::var_os("PATIENT") {
        Some(_) => RefreshPolicy::default(),
        None => impatient(),
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
