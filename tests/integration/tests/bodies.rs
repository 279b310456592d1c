//! Messages that are too large, or do not end.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use futures::{StreamExt, stream};
use integration::{
    host::serve,
    tools::add,
    waiting::soon,
    wire::{Way, Wire, head, post},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::timeout};
use toolgate::{Server, tools};
use tower::ServiceExt;

fn server() -> Server {
    Server::new("reading", "1").tools(tools![add])
}

async fn started() -> SocketAddr {
    let mcp = serve(server()).await;
    mcp.trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap()
}

async fn adds(address: SocketAddr) {
    let added = soon(post(address, "add", &json!({ "a": 2, "b": 3 }), Way::Quick)).await;
    assert!(added.body.contains('5'), "{added:?}");
}

#[tokio::test]
async fn a_body_that_says_it_is_huge_is_refused_before_it_is_sent() {
    let address = started().await;
    let head = head(&format!("content-length: {}\r\nexpect: 100-continue\r\n", 200 << 20));
    let mut wire = Wire::with(address, &head).await;
    let refused = soon(wire.answer()).await;
    assert_eq!(refused.status, 413, "and not 100: {refused:?}");
    assert!(refused.body.contains("4 MiB"), "{refused:?}");
    adds(address).await;
}

#[tokio::test]
async fn a_body_that_turns_out_huge_is_refused_early() {
    let address = started().await;
    let wire = Wire::with(address, &head("transfer-encoding: chunked\r\n")).await;
    let (reading, mut writing) = wire.0.into_split();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let sent = tokio::spawn(async move {
        let mut sent = 0_usize;
        // 200 MB, if they were read; the connection closes long before.
        while sent < 200 << 20 && writing.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 0x10000;
        }
        sent
    });
    let mut answer = String::new();
    let mut lines = tokio::io::BufReader::new(reading);
    soon(tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut answer)).await.unwrap();
    assert!(answer.contains(" 413 "), "{answer}");
    adds(address).await;
    drop(lines);
    let sent = soon(sent).await.unwrap();
    assert!(sent < 64 << 20, "{sent} bytes of it were taken");
}

#[tokio::test]
async fn bodies_that_do_not_come_hold_up_nobody() {
    let address = started().await;
    let mut stalled = Vec::new();
    for n in 0..200 {
        // Let in, and then one byte at a time, and then none.
        let head = head("content-length: 1000\r\nexpect: 100-continue\r\n");
        let mut wire = Wire::with(address, &head).await;
        let go_on = soon(wire.read_until("\r\n\r\n")).await;
        assert!(go_on.contains(" 100 "), "{n}: {go_on}");
        for byte in ["{", "\"", "j"] {
            wire.send(byte).await;
        }
        stalled.push(wire);
    }
    adds(address).await;
    drop(stalled);
    adds(address).await;
}

/// Without a socket, so that the clock can be moved.
#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up() {
    let router = server().build().await.unwrap().into_router();
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(Body::from_stream(bytes.chain(stream::pending())))
        .unwrap();
    let peer = SocketAddr::from(([127, 0, 0, 1], 9));
    request.extensions_mut().insert(ConnectInfo(peer));
    let began = tokio::time::Instant::now();
    let given_up = timeout(Duration::from_secs(3600), router.oneshot(request)).await;
    assert_eq!(given_up.unwrap().unwrap().status(), StatusCode::REQUEST_TIMEOUT);
    assert!(began.elapsed() <= Duration::from_secs(60), "{:?}", began.elapsed());
}
