//! The server of the tests as a program, over the forge at `FORGE_URL`.

use end_to_end::{
    host::client_at,
    tools::{add, list_issues},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let forge = std::env::var("FORGE_URL")?;
    toolgate::server!().provider(client_at(&forge)).tools(tools![list_issues, add]).serve().await
}
