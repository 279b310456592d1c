//! Messages that are none, too large, repeated, or make a tool fail.

use integration::transport::Transport;
use serde_json::json;

use super::{Site, assert_adds, text};

/// The largest message.
const MOST: usize = 4 << 20;

#[tokio::test]
async fn what_is_no_message_is_said_to_be_none_and_ends_nothing() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "orders:write").await;
        for (wrong, code) in [
            ("{", -32700),
            ("", -32700),
            ("nonsense", -32700),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}", -32700),
            ("[]", -32600),
            ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600),
            ("1", -32600),
            ("null", -32600),
            ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600),
            ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", -32600),
        ] {
            let answer = match alice.send_text(wrong.to_owned()).await {
                Ok(()) => alice.receive().await.unwrap_or_else(|| panic!("{transport:?} {wrong}")),
                Err(refusal) => {
                    assert_eq!(refusal.status, 400, "{transport:?} {wrong}: {refusal:?}");
                    serde_json::from_str(&refusal.body).unwrap()
                }
            };
            let found = answer["error"]["code"].as_i64();
            let is_invalid = found.is_some_and(|found| found == -32600 || found == -32700);
            assert!(
                is_invalid && (code == -32600 || found == Some(code)),
                "{transport:?} {wrong}: {answer}"
            );
            assert_adds(&mut alice).await;
        }
    }
}

#[tokio::test]
async fn what_nests_deeply_or_repeats_members_harms_nothing() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "orders:write").await;
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"add","arguments":{{"a":{}1{}}}}}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        match alice.send_text(deep).await {
            Ok(()) => assert!(alice.receive().await.is_some(), "{transport:?}"),
            Err(refusal) => assert_eq!(refusal.status, 400, "{transport:?}: {refusal:?}"),
        }
        assert_adds(&mut alice).await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "orders:write").await;
        let fits = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping", "params": {
            "_meta": { "x": "y".repeat(MOST - 200) },
        }});
        alice.send(&fits).await.unwrap();
        assert_eq!(alice.receive().await.unwrap()["id"], 7, "{transport:?}");
        let large = " ".repeat(MOST + 1);
        match alice.send_text(large).await {
            Err(refusal) => {
                assert_eq!(refusal.status, 413, "{transport:?}: {refusal:?}");
                assert!(refusal.body.contains("4 MiB"), "{refusal:?}");
                assert_adds(&mut alice).await;
            }
            Ok(()) => {
                assert_eq!(transport, Transport::WebSocket);
                // The code may be lost with what was not read.
                assert!([Some(1009), None].contains(&alice.end().await.code));
            }
        }
        let mut bob = site.session(transport, "bob", "").await;
        assert_adds(&mut bob).await;
    }
}

/// Two requests with one identifier could not be told apart by their answers.
#[tokio::test]
async fn an_identifier_is_not_used_twice_at_once() {
    for transport in Transport::CONNECTED {
        let site = Site::start().await;
        let mut alice = site.session(transport, "alice", "").await;
        let waiting = alice.begin_call("wait", json!({})).await.unwrap();
        site.room.came(1).await;
        let again = json!({ "jsonrpc": "2.0", "id": waiting, "method": "tools/call", "params": {
            "name": "add",
            "arguments": { "a": 2, "b": 3 },
        }});
        let refused = match alice.send(&again).await {
            Ok(()) => alice.receive().await.unwrap().to_string(),
            Err(refusal) => refusal.body,
        };
        assert!(
            refused.contains("error") && !refused.contains("\"5\""),
            "{transport:?}: {refused}"
        );
        site.room.open();
        assert_eq!(text(&alice.answer(waiting).await), "waited", "{transport:?}");
        // Afterwards it is free.
        alice.send(&again).await.unwrap();
        assert_eq!(text(&alice.answer(waiting).await), "5", "{transport:?}");
    }
}

#[tokio::test]
async fn requests_under_way_are_bounded() {
    let site = Site::start().await;
    for transport in Transport::CONNECTED {
        let mut alice = site.session(transport, "alice", "").await;
        let mut refused = None;
        for _ in 0..300 {
            if let Err(refusal) = alice.begin_call("wait", json!({})).await {
                refused = Some(refusal.body);
                break;
            }
        }
        let refused = match refused {
            Some(refused) => refused,
            // The only answer, as long as all of them wait.
            None => alice.receive().await.unwrap().to_string(),
        };
        assert!(refused.contains("too many"), "{transport:?}: {refused}");
        let mut bob = site.session(transport, "bob", "").await;
        assert_adds(&mut bob).await;
    }
}

#[tokio::test]
async fn a_tool_that_panics_fails_in_words_and_ends_nothing() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "").await;
        let failed = alice.call("panics", json!({ "secret": "a secret" })).await.unwrap();
        let said = failed.to_string();
        assert!(failed["result"]["isError"] == true || failed["error"].is_object(), "{failed}");
        assert!(!said.contains("a secret") && !said.contains("as was ordered"), "{said}");
        assert_adds(&mut alice).await;
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_wrong_is_said_to_the_caller() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "").await;
        let unknown = alice.call("nothing", json!({})).await.unwrap();
        assert_eq!(unknown["error"]["code"], -32602, "{transport:?}: {unknown}");
        let method = alice.ask("of/another", json!({})).await;
        let code = match &method {
            Ok(answer) => answer["error"]["code"].clone(),
            Err(refusal) => {
                serde_json::from_str::<serde_json::Value>(&refusal.body).unwrap()["error"]["code"]
                    .clone()
            }
        };
        assert_eq!(code, -32601, "{transport:?}: {method:?}");
        let wrong = alice.call("add", json!({ "a": "x", "b": 3 })).await;
        assert!(text(&wrong).contains('a'), "{transport:?}: {wrong:?}");
        assert_eq!(wrong.unwrap()["result"]["isError"], true);
        assert_adds(&mut alice).await;
    }
}

/// Answers to questions that nobody asked.
#[tokio::test]
async fn responses_and_notifications_from_nowhere_are_ignored() {
    let site = Site::start().await;
    for transport in Transport::ALL {
        let mut alice = site.session(transport, "alice", "").await;
        for message in [
            json!({ "jsonrpc": "2.0", "id": 12_345, "result": {} }),
            json!({ "jsonrpc": "2.0", "id": "x", "error": { "code": 1, "message": "no" } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 777 } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "method": "notifications/of/another", "params": {} }),
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": {
                "progressToken": 9, "progress": 1,
            }}),
        ] {
            // It may be refused, and it ends nothing.
            let _ = alice.send(&message).await;
            assert_adds(&mut alice).await;
        }
    }
}
