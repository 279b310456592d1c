//! Servers without a gate: a page in the user's browser reaches them over no transport.

use std::net::SocketAddr;

use integration::{
    tools::add,
    transport::{Dialogue, Opening, Transport},
};
use tokio::net::TcpListener;
use toolgate::{Server, tools};

use super::assert_adds;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Server::new("local", "1").tools(tools![add]).legacy_sse().websocket();
    let service = app.build().await.unwrap().into_service();
    let service = axum::Router::new().fallback_service(service);
    integration::host::serve_at(listener, service);
    address
}

/// A browser sends a page's upgrade anywhere, and asks nobody: the server has to look at its origin.
#[tokio::test]
async fn a_page_does_not_connect() {
    let address = start().await;
    for transport in Transport::ALL {
        for (header, value) in [
            ("origin", "https://evil.example"),
            ("origin", "http://evil.example:8765"),
            ("origin", "null"),
            ("host", "evil.example"),
            ("host", "evil.example:8765"),
            ("x-forwarded-for", "203.0.113.1"),
            ("forwarded", "for=203.0.113.1"),
        ] {
            let opening = Opening::default().header(header, value);
            let refused = Dialogue::begin(address, transport, &opening).await.unwrap_err();
            assert_eq!(refused.status, 403, "{transport:?} {header}: {value}: {refused:?}");
        }
        let own = Opening::default().header("origin", &format!("http://{address}"));
        assert_adds(&mut Dialogue::begin(address, transport, &own).await.unwrap()).await;
        let plain = Opening::default();
        assert_adds(&mut Dialogue::begin(address, transport, &plain).await.unwrap()).await;
    }
}

/// A page cannot send a message to the stream of another client.
#[tokio::test]
async fn a_page_does_not_send_to_a_stream() {
    let address = start().await;
    let mut user = Dialogue::begin(address, Transport::Sse, &Opening::default()).await.unwrap();
    let endpoint = user.stream().endpoint.clone();
    for (header, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let mut headers = http::HeaderMap::new();
        headers.insert(header, value.parse().unwrap());
        let message = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
        let refused = user.stream().post_to(&endpoint, &headers, message).await.unwrap_err();
        assert_eq!(refused.status, 403, "{header}");
    }
    // What a page may send without asking is no JSON.
    let response = reqwest::Client::new()
        .post(format!("http://{address}{endpoint}"))
        .header("content-type", "text/plain")
        .body(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 415);
    assert_adds(&mut user).await;
}
