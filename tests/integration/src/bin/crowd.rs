//! The server of the tests of many clients: tools that wait, and no provider.

use std::{env, time::Duration};

use integration::{
    tools::add,
    waiting::{Room, bulk, release, take, talk, until, wait, wait_aloud},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let sse_after = env::var("CROWD_SSE_AFTER_MS").ok().and_then(|set| set.parse().ok());
    toolgate::server!()
        .sse_after(Duration::from_millis(sse_after.unwrap_or(10_000)))
        .tools(tools![add, bulk, release, take, talk, until, wait, wait_aloud])
        .state(Room::default())
        .serve()
        .await
}
