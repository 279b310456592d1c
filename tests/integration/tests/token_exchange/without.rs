//! Calls that come without a token of the issuer: over standard input, and in development.

use integration::{
    acme::Acme,
    client::{params, text},
};
use rmcp::{ServiceExt, transport::TokioChildProcess};
use tokio::process::Command;
use toolgate::dev;

use super::*;

#[tokio::test]
async fn over_standard_input_there_is_no_token_to_exchange() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_piped"));
    program.kill_on_drop(true);
    let client = ().serve(TokioChildProcess::new(program).unwrap()).await.unwrap();
    let refused = client.call_tool(params("count_stock", json!({}))).await.unwrap();
    assert_eq!(refused.is_error, Some(true));
    let says = text(&refused);
    for part in ["this call came without one", "It works over HTTP", "https://issuer.test"] {
        assert!(says.contains(part), "{part}: {says}");
    }
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_token_of_a_sign_in_for_development_is_not_sent_to_the_issuer() {
    let world = World::start().await;
    let orders = at(OrdersApi::client("shop"), &world.url).issuer("https://login.example");
    let server = Server::new("shop", "1").provider(orders).tools(tools![list_orders]);
    let client = Client::of(server.dev::<Acme>(["alice"])).await.unwrap();
    let alice = client.with(dev::token("alice").scopes("orders:read"));
    let refused = alice.call("list_orders", json!({})).await;
    assert!(refused.is_error(), "{}", refused.body());
    assert!(refused.text().contains("is of another issuer"), "{}", refused.text());
    assert!(refused.link().is_none(), "there is nothing to connect: {}", refused.body());
    assert!(world.exchanges().is_empty() && world.sent().is_empty());
}
