//! What is logged of sessions: one line for each call, and nothing that is secret.

use integration::{
    log::Log,
    transport::{Opening, Transport, soon},
};
use serde_json::json;
use tracing::Level;

use super::Site;

#[tokio::test]
async fn every_call_has_one_line_in_the_audit_and_no_line_has_a_secret() {
    for transport in Transport::ALL {
        // As a server logs; below that level, rmcp writes whole messages.
        let (log, _guard) = Log::listen(Level::INFO);
        let site = Site::start().await;
        let token = site.token("alice", "orders:read").to_string();
        let mut alice = site.open(transport, &Opening::bearer(&token)).await.unwrap();
        alice.call("orders", json!({})).await.unwrap();
        let _ = alice.call("order", json!({ "a": "a secret" })).await;
        alice.call("panics", json!({ "secret": "a secret" })).await.unwrap();
        let expired = site.brief("bob", -60).to_string();
        site.open(transport, &Opening::bearer(&expired)).await.unwrap_err();
        if transport == Transport::Sse {
            let endpoint = alice.stream().endpoint.clone();
            let id = endpoint.split_once('=').unwrap().1.to_owned();
            let mut mallory = site.session(transport, "mallory", "").await;
            let none = http::HeaderMap::new();
            mallory.stream().post_to(&endpoint, &none, "{}").await.unwrap_err();
            assert!(!log.text().contains(&id), "the address is in the log");
        }

        let lines = log.lines("toolgate::audit");
        let expected = [
            r#"tool="orders" scopes="orders:read" subject="alice""#,
            r#"tool="order" scopes="orders:write" subject="alice""#,
            r#"tool="panics" scopes="" subject="alice""#,
        ];
        assert_eq!(lines.len(), expected.len(), "{transport:?}: {lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.contains(expected), "{transport:?}: {line}");
        }
        assert!(lines[1].contains(r#"outcome="refused""#), "{transport:?}: {}", lines[1]);
        let all = log.text();
        for token in [&token, &expired] {
            assert!(!all.contains(token.rsplit('.').next().unwrap()), "a token is in the log");
        }
        assert!(!all.contains("a secret"), "{transport:?}: an argument is in the log");
    }
}

#[tokio::test]
async fn a_call_whose_client_leaves_is_in_the_audit_all_the_same() {
    for transport in Transport::CONNECTED {
        let (log, _guard) = Log::listen(Level::INFO);
        let site = Site::start().await;
        let mut alice = site.session(transport, "alice", "").await;
        alice.begin_call("wait", json!({})).await.unwrap();
        soon(site.room.came(1)).await;
        drop(alice);
        soon(site.room.left(1)).await;
        let lines = log.lines("toolgate::audit");
        assert!(
            lines.len() == 1 && lines[0].contains(r#"outcome="left""#),
            "{transport:?}: {lines:?}"
        );
    }
}
