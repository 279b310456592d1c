//! Servers under test, as a user tests them.
#![cfg(feature = "testing")]

use serde_json::json;
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
    /// Place orders.
    #[scope("orders:write", implies(Read))]
    Write,
}

/// Counts the caller's orders.
#[tool(scopes = "orders:read")]
async fn count_orders(caller: Caller<Acme>, #[arg(range(1..=9))] month: u8) -> Json<Vec<u8>> {
    let _ = caller;
    Json(vec![month])
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn place_order(caller: Caller<Acme>, context: Context) -> Result<String> {
    context.progress(1.0, None, "placing").await;
    Err(Error::new(format!("sold out, {}", caller.subject())))
}

async fn client(issuer: &Issuer) -> Client {
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).hide_what_is_refused();
    let server = toolgate::server!().gate(gate).tools(tools![count_orders, place_order]);
    Client::of(server).await.unwrap()
}

#[tokio::test]
async fn a_call_goes_through_the_whole_server() {
    let issuer = Issuer::new();
    let client = client(&issuer).await;
    let alice = client.with(issuer.token("alice").scopes("orders:write"));
    let counted = alice.call("count_orders", json!({ "month": 3 })).await;
    assert_eq!(counted.structured::<Vec<u8>>().unwrap(), [3]);
    let wrong = alice.call("count_orders", json!({ "month": 12 })).await;
    assert!(wrong.is_error() && wrong.text().contains("`month`"), "{}", wrong.text());
    let failed = alice.call("place_order", json!({})).await;
    assert!(failed.is_error());
    assert_eq!((failed.status(), failed.text().as_str()), (200, "sold out, alice"));
    assert_eq!(alice.tools().await, ["count_orders", "place_order"]);
}

#[tokio::test]
async fn refusals_are_those_of_the_gate() {
    let issuer = Issuer::new();
    let client = client(&issuer).await;
    let read = || issuer.token("alice").scopes("orders:read");
    for (name, client, status, says) in [
        ("no token", client.clone(), 401, "resource_metadata"),
        ("expired", client.with(read().expired()), 401, "expired 60 s ago"),
        (
            "for others",
            client.with(read().audience("https://other.test")),
            401,
            "is for https://other.test",
        ),
        ("of others", client.with(Issuer::new().token("alice")), 401, "signature"),
        ("opaque", client.with_text("opaque"), 401, "not a JWT"),
        ("too little", client.with(read()), 403, "orders:write"),
    ] {
        let refused = client.call("place_order", json!({})).await;
        assert_eq!(refused.status(), status, "{name}: {:?}", refused.body());
        assert!(refused.challenge().contains(says), "{name}: {}", refused.challenge());
    }
    assert_eq!(client.with(read()).tools().await, ["count_orders"]);
    let machine =
        client.with(read().of_machine()).call("count_orders", json!({ "month": 1 })).await;
    assert_eq!(machine.status(), 200);
}

#[tokio::test]
async fn a_server_without_a_gate_takes_the_client_for_the_local_person() {
    /// Says who calls.
    #[tool]
    async fn who(caller: Caller) -> String {
        caller.subject().to_owned()
    }

    let client = Client::of(toolgate::server!().tools(tools![who])).await.unwrap();
    assert_eq!(client.call("who", json!({})).await.text(), "local");
    let unknown = client.request("nothing/here", json!({})).await;
    assert_eq!(unknown.body()["error"]["code"], -32601);
}
