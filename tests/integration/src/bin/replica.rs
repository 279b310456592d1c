//! One process of a server that has several: over the forge at `FORGE_URL`, behind a proxy at
//! `PUBLIC_URL`, with the store in `TOOLGATE_DATA`. `STEP_UP=link`: calls that lack scopes are answered
//! by a link.

use std::env;

use integration::{
    host::client_at,
    tools::{Forge, add, list_issues, open_issue},
};
use toolgate::{
    gate::{Gate, StepUp},
    prelude::*,
};

#[tokio::main]
async fn main() -> Result<()> {
    let step_up = match env::var("STEP_UP") {
        Ok(_) => StepUp::Link,
        Err(_) => StepUp::Auto,
    };
    toolgate::server!()
        .provider(client_at(&env::var("FORGE_URL")?))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .gate(Gate::for_broker().step_up(step_up))
        .public_url(env::var("PUBLIC_URL")?)
        .trusted_proxies(["127.0.0.1"])
        .tools(tools![list_issues, open_issue, add])
        .serve()
        .await
}
