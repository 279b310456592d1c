//! What one connection remembers is nothing that another caller gets, over either version of HTTP.

use std::net::SocketAddr;

use futures::{StreamExt, stream};
use integration::{
    ports::free_port,
    waiting::soon,
    wire::{Way, Wire, call},
};
use serde_json::json;
use tokio::net::TcpStream;
use toolgate::{client::http::Version, gate::Gate, prelude::*, testing::Issuer};

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
}

/// Says whose orders these are.
#[tool(scopes = "orders:read")]
async fn orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

struct Listening {
    address: SocketAddr,
    issuer: Issuer,
}

impl Listening {
    async fn start() -> Self {
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let issuer = Issuer::new();
        let gate = Gate::new(issuer.verifier()).resource(format!("http://{address}/mcp"));
        let server = toolgate::Server::new("listening", "1").gate(gate).tools(tools![orders]);
        tokio::spawn(server.inspector(false).serve_http(address));
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        soon(listens).await;
        Self { address, issuer }
    }

    fn token(&self, subject: &str, scopes: &str) -> String {
        let resource = format!("http://{}/mcp", self.address);
        self.issuer.token(subject).audience(resource).scopes(scopes).to_string()
    }

    /// The whole request for a call with this token.
    fn request(&self, token: &str) -> String {
        let body = call("orders", &json!({}), Way::Quick).to_string();
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: orders\r\n{token}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

/// As behind a proxy, which sends the requests of many people over one connection.
#[tokio::test]
async fn callers_of_one_connection_are_told_apart() {
    let server = Listening::start().await;
    let (alice, bob) = (server.token("alice", "orders:read"), server.token("robin", "orders:read"));
    let mut forged = alice.clone().into_bytes();
    // A bit of the signature that is not padding.
    let near_end = forged.len() - 10;
    forged[near_end] = if forged[near_end] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let without = server.token("alice", "openid");
    let expected = [
        (bearer(&alice), 200, "the orders of alice"),
        (bearer(&alice), 200, "the orders of alice"),
        (bearer(&bob), 200, "the orders of robin"),
        (bearer(&forged), 401, "signature"),
        (bearer(&alice), 200, "the orders of alice"),
        (String::new(), 401, "token"),
        (bearer(&without), 403, "orders:read"),
        (bearer(&without), 403, "orders:read"),
        (bearer(&alice), 200, "the orders of alice"),
        (bearer(&alice).repeat(2), 400, "two"),
        (bearer(&alice).replace("Bearer", "DPoP"), 401, "bound"),
        (bearer(&bob), 200, "the orders of robin"),
    ];
    let mut wire = Wire::connect(server.address).await;
    for (number, (authorization, status, says)) in expected.into_iter().enumerate() {
        wire.send(&server.request(&authorization)).await;
        let answer = soon(wire.answer()).await;
        assert_eq!(answer.status, status, "{number}: {answer:?}");
        assert!(answer.body.contains(says), "{number}: {answer:?}");
    }
}

#[tokio::test]
async fn http_2_carries_calls_of_many_at_once() {
    let server = Listening::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let (client, server) = (&client, &server);
    let answers = stream::iter(0..64).map(async |number| {
        // Each other one is rmcp's.
        let way = Way::ALL[number % 2];
        let subject = format!("caller{number}");
        let request = client
            .post(format!("http://{}/mcp", server.address))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "orders")
            .bearer_auth(server.token(&subject, "orders:read"))
            .json(&call("orders", &json!({}), way));
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("the orders of {subject}\"")), "{text}");
    });
    let answered = answers.buffer_unordered(16).count();
    assert_eq!(soon(answered).await, 64);
}
