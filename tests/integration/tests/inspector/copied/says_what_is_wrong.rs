//! Call whose tool fails.

use super::server;

use serde_json::json;
use toolgate::{dev, prelude::*, testing::Client};

#[tokio::test]
async fn cancel_order_says_what_is_wrong() -> Result<()> {
    // The server as `main` builds it, but not served.
    let client = Client::of(server()).await?;
    let client = client.with(dev::token("alice").scopes("orders:read"));
    let answer = client.call("cancel_order", json!({ "number": 7 })).await;
    assert!(answer.is_error(), "{}", answer.text());
    Ok(())
}
