//! Readers that do not read, and connections that nobody uses.

use integration::{log::Log, transport::Transport};
use serde_json::json;
use tracing::Level;

use super::{Site, assert_adds};

/// As many kilobytes as a result of `bulk` has at most.
const LARGE: u32 = 4096;

/// More calls than there is room for their results: 32 MiB, and what is in the sockets.
const CALLS: usize = 24;

/// What waits for a reader is bounded, and does not keep others from theirs.
#[tokio::test]
async fn who_does_not_read_is_ended_and_holds_up_nobody() {
    for transport in Transport::CONNECTED {
        let (log, _guard) = Log::listen(Level::INFO);
        let site = Site::start().await;
        let mut bob = site.session(transport, "bob", "").await;
        let mut alice = site.session(transport, "alice", "").await;
        for _ in 0..CALLS {
            if alice.begin_call("bulk", json!({ "kilobytes": LARGE })).await.is_err() {
                break;
            }
        }
        // Half of them have answered, or were ended, which is too much already.
        while log.lines(r#"tool="bulk""#).len() < CALLS / 2 {
            assert_adds(&mut bob).await;
        }
        // What waits in the sockets still comes, and then the end.
        let mut answers = 0;
        while alice.receive().await.is_some() {
            answers += 1;
            assert!(answers < CALLS, "{transport:?}: all of it was kept");
        }
        if transport == Transport::WebSocket {
            let end = alice.end().await;
            // The words may be lost with what was not read.
            assert!([None, Some(1008)].contains(&end.code), "{end:?}");
        }
        assert_adds(&mut bob).await;
        assert_adds(&mut site.session(transport, "alice", "").await).await;
    }
}

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
