//! The server of the tests of many clients: tools that wait, and no provider.

use integration::{
    tools::add,
    waiting::{Room, bulk, release, talk, until, wait, wait_aloud},
};
use toolgate::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    toolgate::server!()
        .tools(tools![add, bulk, release, talk, until, wait, wait_aloud])
        .state(Room::default())
        .serve()
        .await
}
