//! Messages of a session in their order, and at once: the fast path and rmcp answer them alike.

use integration::{
    session::{Client, REVISIONS, compare, request},
    two_ways::TwoWays,
    waiting::{Room, wait, wait_aloud},
};
use serde_json::json;
use toolgate::tools;

/// A whole session, as most clients have it.
#[tokio::test]
async fn a_session_from_its_beginning_to_after_its_end() {
    let ways = TwoWays::new().await;
    for revision in REVISIONS {
        let token = ways.token("desk:read");
        let replies = compare(&ways, async |service| {
            let client = Client::begin(service, revision, &token).await;
            vec![
                client.request(1, "tools/list", &json!({})).await,
                client.call(2, "add", &json!({ "a": 2 })).await,
                client.call("three", "echo", &json!({ "text": "hello" })).await,
                client.call(4, "fail", &json!({ "why": "no" })).await,
                client.notify("notifications/cancelled", &json!({ "requestId": 2 })).await,
                client.request(5, "ping", &json!({})).await,
                client.call(2, "add", &json!({ "a": 2 })).await,
                client.delete().await,
                client.call(6, "add", &json!({ "a": 2 })).await,
                client.request(7, "ping", &json!({})).await,
                client.notify("notifications/initialized", &json!({})).await,
                client.delete().await,
            ]
        });
        let replies = replies.await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        assert_eq!(statuses, [200, 200, 200, 403, 202, 200, 200, 202, 404, 404, 404, 404]);
        assert_eq!(replies[0].message()["result"]["tools"].as_array().unwrap().len(), 4);
        assert_eq!(replies[1].message()["result"]["content"][0]["text"], "3");
        assert_eq!(replies[2].message()["result"]["content"][0]["text"], "alice: hello None");
        let has_structure = replies[1].message()["result"].get("structuredContent").is_some();
        assert!(has_structure, "{revision}");
        assert_eq!(replies[5].message()["result"], json!({}));
    }
}

/// What lives of a session, for its stream, changes nothing about the rest.
#[tokio::test]
async fn a_session_that_is_listened_to() {
    let ways = TwoWays::new().await;
    for revision in REVISIONS {
        let token = ways.token("desk:read");
        let replies = compare(&ways, async |service| {
            let client = Client::begin(service, revision, &token).await;
            let speaks = json!({
                "name": "count",
                "arguments": { "to": 3 },
                "_meta": { "progressToken": "p" },
            });
            let get = async |headers: &[(&'static str, &str)]| {
                client.send_with(http::Method::GET, headers, Vec::new()).await
            };
            vec![
                client.call(1, "add", &json!({ "a": 1 })).await,
                get(&[]).await,
                client.call(2, "add", &json!({ "a": 2 })).await,
                client.request(3, "tools/call", &speaks).await,
                client.request(4, "tools/list", &json!({})).await,
                client.notify("notifications/initialized", &json!({})).await,
                client.notify("notifications/cancelled", &json!({ "requestId": 3 })).await,
                client.notify("notifications/roots/list_changed", &json!({})).await,
                client.request(5, "ping", &json!({})).await,
                get(&[("last-event-id", "0")]).await,
                get(&[("last-event-id", "nonsense")]).await,
                client.request(6, "logging/setLevel", &json!({ "level": "info" })).await,
                client.delete().await,
                get(&[]).await,
                client.call(7, "add", &json!({ "a": 2 })).await,
            ]
        });
        let replies = replies.await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        let expected = [200, 200, 200, 200, 200, 202, 202, 202, 200, 200, 200, 200, 202, 404, 404];
        assert_eq!(statuses, expected, "{revision}");
        let progress = &replies[3].messages;
        assert_eq!(progress.len(), 4, "{progress:?}");
        assert_eq!(progress[0]["method"], "notifications/progress");
    }
}

/// Two of one caller, and one of another, do not meet.
#[tokio::test]
async fn sessions_side_by_side() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    let replies = compare(&ways, async |service| {
        let one = Client::begin(service, "2025-11-25", &token).await;
        let two = Client::begin(service, "2025-03-26", &token).await;
        let anonymous = Client::begin(service, "2025-06-18", "").await;
        assert_ne!(one.id, two.id);
        let mut replies = vec![
            one.call(1, "add", &json!({ "a": 1 })).await,
            two.call(1, "add", &json!({ "a": 2 })).await,
            anonymous.call(1, "add", &json!({ "a": 3 })).await,
            one.delete().await,
            one.call(1, "add", &json!({ "a": 1 })).await,
            two.call(1, "add", &json!({ "a": 2 })).await,
        ];
        // Each with the session of the other.
        let sessions = [&two.id, &anonymous.id];
        for (client, session) in [&anonymous, &two].into_iter().zip(sessions) {
            let headers = [("mcp-session-id", session.as_str())];
            let body = request(1, "ping", &json!({}));
            replies.push(client.send_with(http::Method::POST, &headers, body).await);
        }
        replies
    });
    let replies = replies.await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 200, 200, 202, 404, 200, 404, 200]);
}

/// A call that the client cancels ends, whether its tool could speak or not.
#[tokio::test]
async fn a_call_that_is_cancelled_ends() {
    for tool in ["wait", "wait_aloud"] {
        for id in [json!(7), json!("seven")] {
            let room = Room::default();
            let ways = TwoWays::serving(|server| {
                server.tools(tools![wait, wait_aloud]).state(room.clone())
            })
            .await;
            let token = ways.token("");
            for (calls, service) in (1..).zip(ways.services()) {
                let client = Client::begin(service, "2025-11-25", &token).await;
                let cancels = async {
                    room.came(calls).await;
                    let other = json!({ "requestId": "other" });
                    let passed = client.notify("notifications/cancelled", &other).await;
                    assert_eq!(passed.status, 202);
                    let this = json!({ "requestId": id });
                    let told = client.notify("notifications/cancelled", &this).await;
                    assert_eq!((told.status.as_u16(), told.messages.len()), (202, 0));
                    room.left(calls).await;
                };
                let arguments = json!({});
                let (ended, ()) = tokio::join!(client.call(id.clone(), tool, &arguments), cancels);
                // What comes in place of a result is for nobody.
                assert!(
                    ended.messages.iter().all(|said| said.get("result").is_none()),
                    "{ended:?}"
                );
                let pong = client.request(id.clone(), "ping", &json!({})).await;
                assert_eq!(pong.message()["result"], json!({}), "the session goes on");
            }
        }
    }
}

/// Two calls with one identifier at once, which no client may make and some do. rmcp answers one of
/// them.
#[tokio::test]
async fn one_identifier_twice_at_once() {
    let room = Room::default();
    let ways = TwoWays::serving(|server| server.tools(tools![wait]).state(room.clone())).await;
    let [short, _] = ways.services();
    let client = Client::begin(short, "2025-11-25", &ways.token("")).await;
    let arguments = json!({});
    let opens = async {
        room.came(2).await;
        room.open();
    };
    let (one, two, ()) = tokio::join!(
        client.call(1, "wait", &arguments),
        client.call(1, "wait", &arguments),
        opens,
    );
    for reply in [one, two, client.request(1, "ping", &json!({})).await] {
        assert_eq!((reply.status.as_u16(), &reply.message()["id"]), (200, &json!(1)));
        assert!(reply.message().get("result").is_some(), "{reply:?}");
    }
}
