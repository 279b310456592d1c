//! Ends of a connection: with its token, with its sign-in, and when either side goes.

use integration::socket::Socket;

use super::*;

#[tokio::test]
async fn a_token_that_expires_ends_its_connection() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    // With the thirty seconds by which clocks may differ.
    guarded.advance(Duration::from_secs(3629));
    assert_eq!(text_of(&socket.call("add", json!({ "a": 1, "b": 2 })).await), "3");
    guarded.advance(Duration::from_secs(1));
    socket.start("tools/call", json!({ "name": "add", "arguments": { "a": 1, "b": 2 } })).await;
    assert_eq!(soon(socket.closed()).await, (3000, "the token expired 30 s ago".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_its_connection_and_the_calls() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    socket.start("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    soon(guarded.room.came(1)).await;
    guarded.revoke("alice.");
    socket.start("ping", json!({})).await;
    let (code, reason) = soon(socket.closed()).await;
    assert_eq!((code, reason.as_str()), (3000, "the token was revoked or has expired"));
    soon(guarded.room.left(1)).await;
}

#[tokio::test]
async fn a_call_ends_when_its_client_leaves() {
    let guarded = Guarded::start().await;
    let mut socket = Socket::begin(guarded.address, "alice.", no_capabilities()).await;
    socket.start("tools/call", json!({ "name": "wait", "arguments": {} })).await;
    soon(guarded.room.came(1)).await;
    drop(socket);
    soon(guarded.room.left(1)).await;
}
