//! Frames of WebSocket that no client should send, and upgrades that are none (RFC 6455).

use integration::{
    transport::{Dialogue, Opening, Transport, soon},
    wire::Wire,
};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Bytes, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{Site, assert_adds, text};

fn data(payload: &[u8], opcode: Data, is_final: bool) -> Message {
    let payload = Bytes::copy_from_slice(payload);
    Message::Frame(Frame::message(payload, OpCode::Data(opcode), is_final))
}

async fn socket(site: &Site) -> Dialogue {
    site.session(Transport::WebSocket, "alice", "orders:read").await
}

/// A client's frame as it is on the wire: masked with zeros, unless `mask` is not set.
fn raw(first: u8, mask: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, u8::try_from(payload.len()).unwrap() | if mask { 0x80 } else { 0 }];
    if mask {
        bytes.extend([0; 4]);
    }
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn a_message_may_come_in_pieces_with_pings_between() {
    let site = Site::start().await;
    let mut alice = socket(&site).await;
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "add",
        "arguments": { "a": 2, "b": 3 },
    }});
    let message = message.to_string();
    let (first, rest) = message.as_bytes().split_at(10);
    let (second, third) = rest.split_at(10);
    alice.socket().send_frame(data(first, Data::Text, false)).await;
    alice.socket().send_frame(Message::Ping(Bytes::from_static(b"there?"))).await;
    alice.socket().send_frame(data(second, Data::Continue, false)).await;
    alice.socket().send_frame(data(third, Data::Continue, true)).await;
    assert_eq!(text(&alice.answer(7).await), "5");
}

#[tokio::test]
async fn frames_that_are_wrong_close_the_connection_with_the_reason() {
    let site = Site::start().await;
    let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" }).to_string();
    let ping = ping.as_bytes();
    for (what, bytes, code) in [
        ("binary", raw(0x82, true, ping), 1003),
        ("no UTF-8", raw(0x81, true, &[0xff, 0xfe, b'{']), 1007),
        ("not masked", raw(0x81, false, ping), 1002),
        ("a reserved bit", raw(0xc1, true, ping), 1002),
        ("a reserved opcode", raw(0x83, true, ping), 1002),
        ("a continuation of nothing", raw(0x80, true, ping), 1002),
        ("a ping in pieces", raw(0x09, true, b"x"), 1002),
        ("a close without a whole code", raw(0x88, true, &[3]), 1002),
        ("a close of another range", raw(0x88, true, &[0, 1]), 1002),
    ] {
        let mut alice = socket(&site).await;
        alice.socket().wire().write_all(&bytes).await.unwrap();
        let end = alice.end().await;
        assert_eq!(end.code, Some(code), "{what}: {end:?}");
        assert_adds(&mut socket(&site).await).await;
    }
}

/// The length of a frame says how large it will be: nothing is set aside for it.
#[tokio::test]
async fn a_frame_that_says_it_is_huge_is_refused_before_it_is_sent() {
    let site = Site::start().await;
    for length in [(4_u64 << 20) + 1, 1 << 32, 1 << 62, u64::MAX] {
        let mut alice = socket(&site).await;
        let mut head = vec![0x81, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        alice.socket().wire().write_all(&head).await.unwrap();
        let end = alice.end().await;
        assert!([Some(1009), Some(1002)].contains(&end.code), "{length}: {end:?}");
    }
}

#[tokio::test]
async fn pieces_do_not_add_up_to_more_than_a_message_may_be() {
    let site = Site::start().await;
    let mut alice = socket(&site).await;
    let piece = vec![b' '; 1 << 20];
    alice.socket().send_frame(data(&piece, Data::Text, false)).await;
    for _ in 0..4 {
        alice.socket().send_frame(data(&piece, Data::Continue, false)).await;
    }
    assert_eq!(alice.end().await.code, Some(1009));
}

#[tokio::test]
async fn a_flood_of_pings_and_of_empty_pieces_holds_up_nobody() {
    let site = Site::start().await;
    let (mut alice, mut bob) = (socket(&site).await, socket(&site).await);
    for _ in 0..2000 {
        alice.socket().send_frame(Message::Ping(Bytes::from_static(&[b'x'; 125]))).await;
    }
    alice.socket().send_frame(data(b"", Data::Text, false)).await;
    for _ in 0..2000 {
        alice.socket().send_frame(data(b"", Data::Continue, false)).await;
    }
    assert_adds(&mut bob).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" }).to_string();
    alice.socket().send_frame(data(ping.as_bytes(), Data::Continue, true)).await;
    // It may have been ended instead.
    let _ = alice.answer(7).await;
    assert_adds(&mut bob).await;
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_answered() {
    let site = Site::start().await;
    let mut alice = socket(&site).await;
    alice.socket().send_frame(Message::Close(None)).await;
    soon(alice.end()).await;
    assert_adds(&mut socket(&site).await).await;
}

#[tokio::test]
async fn what_is_no_upgrade_is_none() {
    let site = Site::start().await;
    let token = format!("authorization: Bearer {}\r\n", site.token("alice", "orders:read"));
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    let version = "sec-websocket-version: 13\r\n";
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let protocol = "sec-websocket-protocol: mcp\r\n";
    for (what, headers, status) in [
        ("no token", format!("{upgrade}{version}{key}{protocol}"), 401),
        ("no token, no upgrade", String::new(), 401),
        ("no upgrade", token.clone(), 426),
        ("another upgrade", format!("{token}connection: upgrade\r\nupgrade: h2c\r\n"), 426),
        ("no subprotocol", format!("{token}{upgrade}{version}{key}"), 400),
        (
            "another one",
            format!("{token}{upgrade}{version}{key}sec-websocket-protocol: chat\r\n"),
            400,
        ),
        ("no key", format!("{token}{upgrade}{version}{protocol}"), 400),
        (
            "another version",
            format!("{token}{upgrade}sec-websocket-version: 8\r\n{key}{protocol}"),
            426,
        ),
        ("whole", format!("{token}{upgrade}{version}{key}{protocol}"), 101),
        (
            "one of two",
            format!("{token}{upgrade}{version}{key}sec-websocket-protocol: chat, mcp\r\n"),
            101,
        ),
    ] {
        let head = format!("GET /ws HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", site.address);
        let mut wire = Wire::with(site.address, &head).await;
        let answer = soon(wire.read_until("\r\n\r\n")).await.to_ascii_lowercase();
        let found: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let is_client_error = status == 426 && found == 400;
        assert!(found == status || is_client_error, "{what}: {answer}");
        if found == 101 {
            assert!(answer.contains("\r\nsec-websocket-protocol: mcp\r\n"), "{what}: {answer}");
            assert!(!answer.contains("sec-websocket-extensions"), "{what}: {answer}");
        }
    }
}

/// Nothing is compressed, so that nothing small becomes large.
#[tokio::test]
async fn extensions_are_not_taken() {
    let site = Site::start().await;
    let opening = Opening::bearer(site.token("alice", "orders:read"))
        .header("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
    let mut alice = site.open(Transport::WebSocket, &opening).await.unwrap();
    assert_adds(&mut alice).await;
    alice.socket().wire().write_all(&raw(0xc1, true, b"xx")).await.unwrap();
    assert_eq!(alice.end().await.code, Some(1002));
}
