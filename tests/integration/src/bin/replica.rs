//! One process of a server that has several: over the forge at `FORGE_URL`, behind a proxy at
//! `PUBLIC_URL`, with the store in `TOOLGATE_DATA`. `STEP_UP=link`: calls that lack scopes are answered
//! by a link. `SECOND=..`: there is a tool with an account at another provider.

use std::env;

use integration::{
    host::{client_at, second_client_at},
    tools::{Forge, add, list_issues, open_issue, who_am_i},
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
    let forge = env::var("FORGE_URL")?;
    let server = toolgate::server!();
    let server = match env::var("SECOND") {
        Ok(_) => server.provider(second_client_at(&forge)).tools(tools![who_am_i]),
        Err(_) => server,
    };
    server
        .provider(client_at(&forge))
        .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
        .gate(Gate::for_broker().step_up(step_up))
        .public_url(env::var("PUBLIC_URL")?)
        .trusted_proxies(["127.0.0.1"])
        .tools(tools![list_issues, open_issue, add])
        .websocket()
        .serve()
        .await
}
