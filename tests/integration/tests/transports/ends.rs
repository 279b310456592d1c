//! Answers that wait for their reader.

use integration::transport::Transport;
use serde_json::json;

use super::{Site, assert_adds};

/// Many small answers are as much as a few large ones.
#[tokio::test]
async fn answers_of_one_connection_do_not_slow_down_another() {
    let site = Site::start().await;
    for transport in Transport::CONNECTED {
        let mut bob = site.session(transport, "bob", "").await;
        let mut alice = site.session(transport, "alice", "").await;
        for _ in 0..200 {
            alice.request("ping", json!({})).await.unwrap();
        }
        assert_adds(&mut bob).await;
        let last = alice.ask("ping", json!({})).await.unwrap();
        assert!(last["result"].is_object(), "{transport:?}: {last}");
    }
}
