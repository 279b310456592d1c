//! Call that is answered.

use super::server;

use serde_json::json;
use toolgate::{dev, prelude::*, testing::Client};

#[tokio::test]
async fn orders_answers() -> Result<()> {
    // The server as `main` builds it, but not served.
    let client = Client::of(server()).await?;
    let client = client.with(dev::token("alice").scopes("orders:read"));
    let answer = client.call("orders", json!({})).await;
    assert!(!answer.is_error(), "{}", answer.text());
    Ok(())
}
