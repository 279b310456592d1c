//! The token of each caller, whatever the transport.

use integration::transport::{Dialogue, Opening, Transport};
use serde_json::json;
use tokio::net::TcpListener;
use toolgate::{gate::Gate, testing::Issuer};

use super::{World, server};

#[tokio::test]
async fn sessions_and_connections_exchange_the_token_of_their_caller() {
    let (world, issuer) = (World::start().await, Issuer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let resource = format!("http://{address}/mcp");
    let gate = Gate::new(issuer.verifier()).resource(&resource);
    let app = server(&world).gate(gate).legacy_sse().websocket().build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());
    for transport in Transport::ALL {
        for name in ["alice", "bob"] {
            let opening = Opening::bearer(issuer.token(name).audience(&resource));
            let mut dialogue = Dialogue::begin(address, transport, &opening).await.unwrap();
            for _ in 0..2 {
                let answer = dialogue.call("list_orders", json!({})).await.unwrap();
                let text = integration::client::text_of(&answer);
                assert_eq!(text, format!("{name} with orders:read"), "{transport:?}");
            }
        }
    }
}
