//! The server that real hosts walk through: over two forges, at `FORGE_URL` and `SECOND_URL`, which
//! go on when it is started again. It has every transport.

use std::{env, time::Duration};

use integration::{
    host::{client_at, second_client_at},
    tools::{Forge, list_issues, open_issue, who_am_i},
};
use toolgate::prelude::*;

/// Repeats what it was called with.
#[tool]
async fn filter_issues(
    /// The labels that an issue must have.
    labels: Vec<String>,
    /// How many issues to return.
    #[arg(default = 30, range(1..=100))]
    limit: u8,
    /// A text that the title contains.
    text: Option<String>,
) -> String {
    format!("labels={labels:?} limit={limit} text={text:?}")
}

/// Closes an issue.
#[tool]
async fn close_issue(number: u32) -> Result<String> {
    Err(Error::new(format!("issue {number} is locked: ask its owner to \"unlock\" it first")))
}

/// Takes its time.
#[tool]
async fn wait_for_build(#[arg(range(1..=300))] seconds: u16) -> String {
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    format!("the build took {seconds} s")
}

#[tokio::main]
async fn main() -> Result<()> {
    let (forge, second) = (env::var("FORGE_URL")?, env::var("SECOND_URL")?);
    toolgate::server!()
        .provider(client_at(&forge))
        .provider(second_client_at(&second))
        .broker::<Forge>(|broker| broker.user("/user", "login"))
        .tools(tools![list_issues, open_issue, who_am_i])
        .tools(tools![filter_issues, close_issue, wait_for_build])
        .legacy_sse()
        .websocket()
        .serve()
        .await
}
