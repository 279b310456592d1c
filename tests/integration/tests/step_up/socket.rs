//! Step-up over WebSocket, where there is no status to challenge with, and the end of a sign-in.

use std::{net::SocketAddr, time::Duration};

use integration::{client::link_in, socket::Socket};
use serde_json::json;
use tokio::time::timeout;
use toolgate::gate::StepUp;

use super::*;

impl Site {
    fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn a_call_over_websocket_gets_a_link_at_once() {
    let site = Site::start(StepUp::Auto).await;
    let alice = site.sign_in("desk", "alice").await;
    let mut socket = Socket::begin(site.address(), &alice.token, json!({})).await;
    let asked = socket.call("open_issue", titled()).await;
    assert_eq!(asked["result"]["isError"], true, "{asked}");
    assert!(asked["result"]["_meta"]["mcp/www_authenticate"].is_array(), "{asked}");
    alice.allow(&link_in(&text_of(&asked)), "alice").await;
    let opened = socket.call("open_issue", titled()).await;
    assert!(is_opened(&opened), "on the same connection, with the same token: {opened}");
}

#[tokio::test]
async fn a_client_over_websocket_that_opens_links_gets_an_elicitation() {
    let site = Site::start(StepUp::Auto).await;
    let alice = site.sign_in("desk", "alice").await;
    let capabilities = json!({ "elicitation": { "url": {} } });
    let mut socket = Socket::begin(site.address(), &alice.token, capabilities).await;
    let asked = socket.call("open_issue", titled()).await;
    assert_eq!(asked["error"]["code"], -32042, "{asked}");
    let link = asked["error"]["data"]["elicitations"][0]["url"].as_str().unwrap().to_owned();
    // The second call waits for the person. It has to come before they allow the link, because a link
    // that is used is not given out again.
    let call = json!({ "name": "open_issue", "arguments": titled() });
    let waiting = socket.start("tools/call", call).await;
    socket.request("ping", json!({})).await;
    alice.allow(&link, "alice").await;
    let opened = socket.response(waiting).await;
    assert!(is_opened(&opened), "{opened}");
    let told = match socket.others.pop() {
        Some(told) => told,
        None => socket.next().await,
    };
    assert_eq!(told["method"], "notifications/elicitation/complete", "{told}");
}

#[tokio::test]
async fn where_the_server_gives_no_links_the_challenge_is_in_the_error() {
    let site = Site::start(StepUp::Challenge).await;
    let alice = site.sign_in("desk", "alice").await;
    let mut socket = Socket::begin(site.address(), &alice.token, json!({})).await;
    let refused = socket.call("open_issue", titled()).await;
    let challenge = refused["error"]["data"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert!(challenge.contains("insufficient_scope"), "{refused}");
}

#[tokio::test]
async fn a_sign_in_that_ends_closes_its_connections_and_no_others() {
    let site = Site::start(StepUp::Auto).await;
    let (alice, bob) = (site.sign_in("desk", "alice").await, site.sign_in("desk", "bob").await);
    let socket = Socket::begin(site.address(), &alice.token, json!({})).await;
    let mut other = Socket::begin(site.address(), &bob.token, json!({})).await;
    assert_eq!(alice.host.revoke(&alice.refresh).await.status, 200);
    let closed = timeout(Duration::from_secs(20), socket.closed()).await.expect("at once");
    assert_eq!(closed, (3000, "the sign-in has ended".to_owned()));
    let added = other.call("add", json!({ "a": 1, "b": 2 })).await;
    assert_eq!(text_of(&added), "3", "{added}");
}
