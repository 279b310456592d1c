//! Call that is refused.

use super::server;

use serde_json::json;
use toolgate::{dev, prelude::*, testing::Client};

#[tokio::test]
async fn place_order_refused_with_403() -> Result<()> {
    // The server as `main` builds it, but not served.
    let client = Client::of(server()).await?;
    let client = client.with(dev::token("alice").scopes("orders:read"));
    let answer = client.call("place_order", json!({ "count": 2 })).await;
    assert_eq!(answer.status(), 403);
    Ok(())
}
