//! Clients that send a large message with no good token: they see why they are refused, and the
//! server does not read what they send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
};
use toolgate::{gate::Gate, prelude::*, testing::Issuer};

/// Says hello.
#[tool]
async fn hello(caller: Caller) -> String {
    format!("hello {}", caller.subject())
}

/// A server, and the header of a token of its that has ended.
async fn start() -> (SocketAddr, String) {
    let issuer = Issuer::new();
    // What it takes of a connection without reading it is small, so that reading is seen.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(64).unwrap();
    let address = listener.local_addr().unwrap();
    let resource = format!("http://{address}/mcp");
    let expired = issuer.token("alice").audience(&resource).expired();
    let gate = Gate::new(issuer.verifier()).resource(resource);
    let app = toolgate::Server::new("strangers", "1").gate(gate).tools(tools![hello]);
    let service = app.build().await.unwrap().into_router();
    integration::host::serve_at(listener, service);
    (address, format!("authorization: Bearer {expired}\r\n"))
}

#[tokio::test]
async fn megabytes_without_a_good_token_are_refused_and_not_read() {
    const MEGABYTE: usize = 1 << 20;
    let (address, expired) = start().await;
    for length in [3 * MEGABYTE, 200 * MEGABYTE] {
        for (name, token) in [("none", ""), ("expired", expired.as_str())] {
            for framing in [
                format!("content-length: {length}\r\n"),
                "transfer-encoding: chunked\r\n".to_owned(),
            ] {
                let what = format!("{name}, {length}, {framing}");
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_send_buffer_size(64 << 10).unwrap();
                let stream = socket.connect(address).await.unwrap();
                let (mut reads, mut writes) = stream.into_split();
                let head = format!(
                    "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{token}{framing}\r\n"
                );
                let sends = async move {
                    writes.write_all(head.as_bytes()).await.unwrap();
                    let piece = [b' '; 16 << 10];
                    let mut sent = 0;
                    while sent < length {
                        if framing.starts_with("transfer") {
                            let size = format!("{:x}\r\n", piece.len());
                            if writes.write_all(size.as_bytes()).await.is_err() {
                                break;
                            }
                        }
                        if writes.write_all(&piece).await.is_err() {
                            break;
                        }
                        sent += piece.len();
                        if framing.starts_with("transfer")
                            && writes.write_all(b"\r\n").await.is_err()
                        {
                            break;
                        }
                    }
                    // It is not closed before the answer was read.
                    (sent, writes)
                };
                let sends = tokio::spawn(sends);
                let mut answer = Vec::new();
                let read = async {
                    let mut piece = [0; 4096];
                    while let Ok(length @ 1..) = reads.read(&mut piece).await {
                        answer.extend_from_slice(&piece[..length]);
                    }
                };
                tokio::time::timeout(Duration::from_secs(60), read).await.expect(&what);
                let answer = String::from_utf8_lossy(&answer);
                let refused = if length > 4 * MEGABYTE && what.contains("content-length") {
                    answer.starts_with("HTTP/1.1 413")
                } else {
                    answer.starts_with("HTTP/1.1 401") && answer.contains("resource_metadata")
                };
                assert!(refused, "{what}: {answer}");
                let (sent, _) = sends.await.unwrap();
                assert!(sent < MEGABYTE + MEGABYTE / 2, "{what}: {sent} bytes were taken");
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_before_it_listens_sees_its_401() {
    let (address, expired) = start().await;
    let token = expired.trim_start_matches("authorization: ").trim().to_owned();
    for n in 0..20 {
        let mut request = reqwest::Client::new()
            .post(format!("http://{address}/mcp"))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(vec![b' '; 3 << 20]);
        if n % 2 == 0 {
            request = request.header("authorization", &token);
        }
        let refused = request.send().await.expect("the answer, and no reset");
        assert_eq!(refused.status(), 401);
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
        assert_eq!(challenge.contains("expired"), n % 2 == 0, "{challenge}");
    }
}
