//! Scopes and limits: what a caller may call, whichever way the message comes.

use std::net::Ipv4Addr;

use integration::transport::{Dialogue, Opening, Transport, challenge_of};
use serde_json::{Value, json};

use super::{Site, assert_adds, text};

#[tokio::test]
async fn scopes_decide_and_a_refusal_ends_no_session() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        for (scopes, tool, says) in [
            ("orders:read", "orders", Some("the orders of alice")),
            ("orders:write", "orders", Some("the orders of alice")),
            ("orders:write", "order", Some("ordered for alice")),
            ("orders:read", "order", None),
            ("", "orders", None),
            ("", "hello", Some("hello alice")),
        ] {
            let mut alice = site.session(transport, "alice", scopes).await;
            let called = alice.call(tool, json!({})).await;
            match says {
                Some(says) => assert_eq!(text(&called), says, "{transport:?} {scopes} {tool}"),
                None => {
                    let challenge = challenge_of(&called);
                    let is_named = challenge.contains(r#"error="insufficient_scope""#);
                    assert!(is_named && challenge.contains("orders:"), "{transport:?}: {called:?}");
                    assert!(!format!("{called:?}").contains("ordered for"), "{called:?}");
                }
            }
            assert_adds(&mut alice).await;
        }
    }
}

#[tokio::test]
async fn what_is_called_is_what_the_message_says() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        for message in [
            r#"{"jsonrpc":"2.0","id":9,"method":"tools\/call","params":{"name":"\u006frder"}}"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"hello","name":"order"}}"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"ping","method":"tools/call","params":{"name":"order"}}"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"order"}}"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"order"},"params":{"name":"hello"}}"#,
            r#"[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"order"}}]"#,
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"hello","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"name":"order"}}"#,
        ] {
            let mut alice = site.session(transport, "alice", "orders:read").await;
            let answer = match alice.send_text(message.to_owned()).await {
                Ok(()) => format!("{:?}", alice.receive().await),
                Err(refusal) => format!("{refusal:?}"),
            };
            assert!(!answer.contains("ordered for"), "{transport:?} {message}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_is_hidden_is_refused_too() {
    let site = Site::with(|gate| gate.hide_unauthorized_tools(true)).await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "orders:read").await;
        let mut bob = site.session(transport, "bob", "orders:write").await;
        for (dialogue, sees) in [(&mut alice, false), (&mut bob, true)] {
            let listed = dialogue.ask("tools/list", json!({})).await.unwrap();
            let mut names = listed["result"]["tools"].as_array().unwrap().iter();
            assert_eq!(names.any(|tool| tool["name"] == "order"), sees, "{transport:?}: {listed}");
        }
        let refused = alice.call("order", json!({})).await;
        assert!(challenge_of(&refused).contains("orders:write"), "{transport:?}: {refused:?}");
    }
}

#[tokio::test]
async fn limits_count_messages_and_not_connections() {
    for transport in Transport::ALL {
        let site = Site::with(|gate| gate.rate_limit_per_subject(12)).await;
        let mut alice = site.session(transport, "alice", "orders:read").await;
        let mut refused = None;
        for _ in 0..20 {
            let called = alice.call("hello", json!({})).await;
            if !format!("{called:?}").contains("hello alice") {
                refused = Some(called);
                break;
            }
        }
        let Some(refused) = refused else { panic!("{transport:?}: there is no limit") };
        assert_is_too_many(transport, &refused);
        // Another connection of hers does not help, and nobody else suffers.
        let opening = Opening::bearer(site.token("alice", "orders:write"));
        if let Ok(mut again) = Dialogue::connect(site.address, transport, &opening).await {
            assert_is_too_many(transport, &again.ask("ping", json!({})).await);
        }
        let mut bob = site.session(transport, "bob", "orders:read").await;
        assert_adds(&mut bob).await;
    }
}

#[track_caller]
fn assert_is_too_many(
    transport: Transport,
    refused: &Result<Value, integration::transport::Refusal>,
) {
    match refused {
        Ok(answer) => {
            assert_ne!(transport, Transport::Http);
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("too many"), "{transport:?}: {answer}");
        }
        Err(refusal) => {
            assert_eq!(refusal.status, 429, "{transport:?}: {refusal:?}");
            assert!(!refusal.header("retry-after").is_empty(), "{refusal:?}");
        }
    }
}

#[tokio::test]
async fn so_many_calls_are_under_way_at_once() {
    for transport in Transport::CONNECTED {
        let site = Site::with(|gate| gate.max_concurrent_per_subject(2)).await;
        let mut alice = site.session(transport, "alice", "orders:read").await;
        let waiting = alice.begin_call("wait", json!({})).await.unwrap();
        alice.begin_call("wait", json!({})).await.unwrap();
        site.room.came(2).await;
        assert_is_too_many(transport, &alice.call("add", json!({ "a": 2, "b": 3 })).await);
        let mut bob = site.session(transport, "bob", "orders:read").await;
        assert_adds(&mut bob).await;
        site.room.open();
        assert_eq!(text(&alice.answer(waiting).await), "waited", "{transport:?}");
        site.room.left(2).await;
    }
}

#[tokio::test]
async fn addresses_are_counted_one_by_one() {
    for transport in Transport::ALL {
        let site = Site::with(|gate| gate.rate_limit_per_ip(3)).await;
        let (one, two) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 2).into());
        let mut status = 0;
        for _ in 0..4 {
            let refused = site.open(transport, &Opening::default().from(one)).await.unwrap_err();
            status = refused.status;
        }
        assert_eq!(status, 429, "{transport:?}");
        let refused = site.open(transport, &Opening::default().from(two)).await.unwrap_err();
        assert_eq!(refused.status, 401, "{transport:?}: {refused:?}");
    }
}
