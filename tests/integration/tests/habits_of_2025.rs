//! Clients of 2025 that keep to no letter of the specification: each is answered alike by the fast
//! path and by rmcp, and as it always was.

use http::Method;
use integration::{
    session::{
        Client, ITS_SESSION_IN_ANOTHER_CASE, REVISIONS, Reply, compare, initialize, notification,
        request, sent,
    },
    tools::add,
    two_ways::TwoWays,
};
use serde_json::json;
use toolgate::tools;

fn list() -> Vec<u8> {
    request(1, "tools/list", &json!({}))
}

fn call() -> Vec<u8> {
    request(2, "tools/call", &json!({ "name": "add", "arguments": { "a": 2, "b": 1 } }))
}

fn ping() -> Vec<u8> {
    request(3, "ping", &json!({}))
}

fn initialized() -> Vec<u8> {
    notification("notifications/initialized", &json!({}))
}

/// What a client sends in a session, as a function of nothing, so that it can be sent again.
const MESSAGES: [fn() -> Vec<u8>; 4] = [list, call, ping, initialized];

/// A status of each of [`MESSAGES`].
const ALL_SERVED: [u16; 4] = [200, 200, 200, 202];
const NOT_FOUND: [u16; 4] = [404; 4];
const BAD_REQUEST: [u16; 4] = [400; 4];

fn statuses(replies: &[Reply]) -> Vec<u16> {
    replies.iter().map(|reply| reply.status.as_u16()).collect()
}

fn is_sum(reply: &Reply) -> bool {
    reply.message()["result"]["structuredContent"]["result"] == 3
}

/// Sends each of [`MESSAGES`] with these headers in place of the usual ones.
async fn send_all(client: &Client<'_>, headers: &[(&'static str, &str)]) -> Vec<Reply> {
    let mut replies = Vec::new();
    for message in MESSAGES {
        replies.push(client.send_with(Method::POST, headers, message()).await);
    }
    replies
}

#[tokio::test]
async fn the_header_of_the_version_is_missing_or_another() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    for revision in REVISIONS {
        for (version, expected) in [
            ("", ALL_SERVED),
            ("2025-11-25", ALL_SERVED),
            ("2025-06-18", ALL_SERVED),
            ("2025-03-26", ALL_SERVED),
            ("2024-11-05", ALL_SERVED),
            ("2024-10-07", BAD_REQUEST),
            ("2099-01-01", BAD_REQUEST),
            ("1", BAD_REQUEST),
            ("2025-11-25, 2025-11-25", BAD_REQUEST),
        ] {
            let replies = compare(&ways, async |service| {
                let client = Client::begin(service, revision, &token).await;
                let replies = send_all(&client, &[("mcp-protocol-version", version)]).await;
                // It was no end of the session.
                assert!(is_sum(&client.post(call()).await));
                replies
            });
            assert_eq!(statuses(&replies.await), expected, "{revision}, {version}");
        }
    }
}

/// 2026-07-28 has no sessions: a client that names it in one is answered as one of that revision.
#[tokio::test]
async fn a_session_goes_on_in_the_words_of_2026() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    let replies = compare(&ways, async |service| {
        let client = Client::begin(service, "2025-11-25", &token).await;
        let mut replies = send_all(&client, &[("mcp-protocol-version", "2026-07-28")]).await;
        let meta = json!({ "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
        let list = request(1, "tools/list", &meta);
        replies.push(client.send_with(Method::POST, &headers, list).await);
        replies.push(client.post(call()).await);
        replies
    });
    let replies = replies.await;
    assert_eq!(replies.last().map(is_sum), Some(true));
    assert_eq!(statuses(&replies), [400, 400, 400, 400, 200, 200]);
}

#[tokio::test]
async fn initialized_is_missing_or_late_or_comes_twice() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    for order in [
        [call, list, ping, call],
        [ping, call, initialized, call],
        [initialized, initialized, call, initialized],
    ] {
        let replies = compare(&ways, async |service| {
            let params = initialize("2025-11-25");
            let client = Client::initialize(service, "2025-11-25", &token, &params).await;
            let mut replies = Vec::new();
            for message in order {
                replies.push(client.post(message()).await);
            }
            replies
        });
        let replies = replies.await;
        assert!(replies.iter().all(|reply| reply.status.is_success()), "{replies:?}");
        assert!(replies.iter().any(|reply| !reply.messages.is_empty() && is_sum(reply)));
    }
}

/// In its session, in no session, and with another revision.
#[tokio::test]
async fn a_client_initializes_twice() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    let replies = compare(&ways, async |service| {
        let client = Client::begin(service, "2025-11-25", &token).await;
        let mut replies = Vec::new();
        for revision in REVISIONS {
            // As the specification has it, the header is that of the session.
            let again = request(9, "initialize", &initialize(revision));
            let no_version = [("mcp-protocol-version", "")];
            replies.push(client.send_with(Method::POST, &no_version, again).await);
            replies.push(client.post(initialized()).await);
            replies.push(client.post(call()).await);
        }
        let another = Client::begin(service, "2025-11-25", &token).await;
        assert_ne!(another.id, client.id);
        for client in [&client, &another] {
            replies.push(client.post(call()).await);
        }
        replies.push(another.delete().await);
        replies.push(client.post(call()).await);
        replies
    });
    let replies = replies.await;
    assert_eq!(
        statuses(&replies),
        [200, 202, 200, 200, 202, 200, 200, 202, 200, 200, 200, 202, 200]
    );
    for (at, revision) in [0, 3, 6].into_iter().zip(REVISIONS) {
        assert_eq!(replies[at].message()["result"]["protocolVersion"], revision, "{replies:?}");
        assert_eq!(replies[at].session, None, "{replies:?}");
    }
}

#[tokio::test]
async fn one_identifier_for_every_request() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    for id in [json!(1), json!("same"), json!(0), json!(-1)] {
        let replies = compare(&ways, async |service| {
            let client = Client::begin(service, "2025-06-18", &token).await;
            let add = json!({ "a": 2 });
            vec![
                client.call(id.clone(), "add", &add).await,
                client.request(id.clone(), "tools/list", &json!({})).await,
                client.call(id.clone(), "add", &add).await,
                client.request(id.clone(), "ping", &json!({})).await,
            ]
        });
        for reply in replies.await {
            assert_eq!((reply.status.as_u16(), &reply.message()["id"]), (200, &id), "{reply:?}");
        }
    }
}

/// The identifier of a session is compared letter by letter.
#[tokio::test]
async fn the_session_is_written_in_another_way() {
    let ways = TwoWays::new().await;
    for token in [ways.token(""), String::new()] {
        let replies = compare(&ways, async |service| {
            let client = Client::begin(service, "2025-11-25", &token).await;
            let (short, long) = (&client.id[1..], format!("{}A", client.id));
            let quoted = format!("\"{}\"", client.id);
            let mut replies = Vec::new();
            for id in [ITS_SESSION_IN_ANOTHER_CASE, short, &long, &quoted, "a", &"a".repeat(2000)] {
                replies.extend(send_all(&client, &[("mcp-session-id", id)]).await);
            }
            assert!(is_sum(&client.post(call()).await));
            replies
        });
        let statuses = statuses(&replies.await);
        assert_eq!(statuses, NOT_FOUND.repeat(6), "{token}");
    }
}

#[tokio::test]
async fn the_session_is_missing_or_there_twice() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    let replies = compare(&ways, async |service| {
        let client = Client::begin(service, "2025-11-25", &token).await;
        let mut replies = send_all(&client, &[("mcp-session-id", "")]).await;
        let another = Client::begin(service, "2025-11-25", &token).await;
        for message in MESSAGES {
            let mut twice = sent(Some("2025-11-25"), &token, message());
            twice.headers.push(("mcp-session-id", another.id.clone().into_bytes()));
            replies.push(client.send(Method::POST, &twice).await.unwrap());
        }
        replies
    });
    let statuses = statuses(&replies.await);
    assert_eq!(statuses, [BAD_REQUEST, ALL_SERVED].concat());
}

#[tokio::test]
async fn requests_go_on_after_the_end_of_the_session() {
    let ways = TwoWays::new().await;
    for revision in REVISIONS {
        let token = ways.token("");
        let replies = compare(&ways, async |service| {
            let client = Client::begin(service, revision, &token).await;
            let mut replies = vec![client.delete().await];
            replies.extend(send_all(&client, &[]).await);
            for method in [Method::GET, Method::HEAD, Method::DELETE] {
                replies.push(client.send_with(method, &[], Vec::new()).await);
            }
            // Also to initialize, where its session is named.
            let again = request(9, "initialize", &initialize(revision));
            replies.push(client.post(again).await);
            let next = Client::begin(service, revision, &token).await;
            replies.push(next.post(call()).await);
            replies
        });
        let replies = replies.await;
        let mut expected = [404; 10];
        (expected[0], expected[9]) = (202, 200);
        assert_eq!(statuses(&replies), expected, "{revision}");
        for refused in &replies[1..5] {
            assert_eq!(refused.message()["error"]["code"], -32001, "{refused:?}");
        }
    }
}

/// Sessions of another caller, and what is no session.
#[tokio::test]
async fn requests_without_a_message_name_a_session_that_is_not_theirs() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    for (method, without_session, own) in
        [(Method::GET, 400, 200), (Method::HEAD, 400, 200), (Method::DELETE, 400, 202)]
    {
        let replies = compare(&ways, async |service| {
            let alice = Client::begin(service, "2025-11-25", &token).await;
            let id = alice.id.as_str();
            let mut replies = Vec::new();
            for (token, id) in [
                ("", id),
                (&*token, "a"),
                ("", "a"),
                (&*token, ITS_SESSION_IN_ANOTHER_CASE),
                (&*token, ""),
                ("", ""),
                (&*token, id),
            ] {
                let headers = [("mcp-session-id", id), ("authorization", token)];
                replies.push(alice.send_with(method.clone(), &headers, Vec::new()).await);
            }
            replies
        });
        let expected = [404, 404, 404, 404, without_session, without_session, own];
        assert_eq!(statuses(&replies.await), expected, "{method}");
    }
}

/// Without a gate, sessions are of the person at this machine.
#[tokio::test]
async fn sessions_without_a_gate() {
    let server = |fast_path| async move {
        let server = toolgate::server!().tools(tools![add]).fast_path(fast_path);
        server.build().await.unwrap().into_service()
    };
    let mut said = Vec::new();
    for service in [server(true).await, server(false).await] {
        let client = Client::begin_locally(&service, "2025-11-25").await;
        let mut replies = send_all(&client, &[]).await;
        replies.extend(send_all(&client, &[("mcp-session-id", "a")]).await);
        for method in [Method::GET, Method::HEAD, Method::DELETE] {
            for id in ["a", ""] {
                let headers = [("mcp-session-id", id)];
                replies.push(client.send_with(method.clone(), &headers, Vec::new()).await);
            }
        }
        replies.push(client.delete().await);
        replies.extend(send_all(&client, &[]).await);
        said.push(replies);
    }
    let [short, long] = [said.remove(0), said.remove(0)];
    assert_eq!(short, long);
    // Who ends what is no session has what it wanted.
    let without_message = [404, 400, 404, 400, 202, 400];
    let expected = [&ALL_SERVED[..], &NOT_FOUND, &without_message, &[202], &NOT_FOUND].concat();
    assert_eq!(statuses(&short), expected);
}

/// Answers to requests that the server never sent.
#[tokio::test]
async fn a_client_answers_what_was_not_asked() {
    let ways = TwoWays::new().await;
    let token = ways.token("");
    let replies = compare(&ways, async |service| {
        let client = Client::begin(service, "2025-11-25", &token).await;
        let mut replies = Vec::new();
        for answer in [
            json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
            json!({ "jsonrpc": "2.0", "id": "x", "error": { "code": -1, "message": "no" } }),
        ] {
            replies.push(client.post(answer.to_string().into_bytes()).await);
            replies.push(client.post(call()).await);
        }
        replies
    });
    assert_eq!(statuses(&replies.await), [202, 200, 202, 200]);
}
