//! What hosts ask for at sign-in: the scopes of basic tools.
#![cfg(feature = "testing")]

use serde_json::{Value, json};
use toolgate::{
    gate::Gate,
    prelude::*,
    testing::{Client, Issuer, RESOURCE},
};

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// See invoices.
    #[scope("invoices:read", access = read)]
    Invoices,
    /// Place orders.
    #[scope("orders:write", access = write)]
    Write,
}

/// Reads, and says nothing more.
#[tool(scopes = "orders:read")]
async fn orders(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

/// Reads, and few need it.
#[tool(scopes = "invoices:read", default_scope = false)]
async fn invoices(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

/// Writes, and says nothing more.
#[tool(scopes = "orders:write")]
async fn order(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

/// Writes, and every call needs it.
#[tool(scopes = "orders:write", default_scope)]
async fn order_first(caller: Caller<Acme>) -> String {
    caller.subject().to_owned()
}

async fn supported(tools: toolgate::Tools) -> Value {
    let gate = Gate::new(Issuer::new().verifier()).resource(RESOURCE);
    let client = Client::of(toolgate::server!().gate(gate).tools(tools)).await.unwrap();
    let well_known = RESOURCE.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    let page = client.person("anybody").open(well_known).await.unwrap();
    let metadata: Value = serde_json::from_str(page.text()).unwrap();
    metadata["scopes_supported"].clone()
}

#[tokio::test]
async fn tools_say_whether_hosts_ask_for_their_scopes_at_sign_in() {
    assert_eq!(supported(tools![orders, order]).await, json!(["orders:read"]));
    assert_eq!(supported(tools![orders, invoices]).await, json!(["orders:read"]));
    let all = supported(tools![orders, order, order_first]).await;
    assert_eq!(all, json!(["orders:read", "orders:write"]));
}
