//! Servers that cannot exchange the tokens of their callers do not start, and people have nothing to
//! connect.

use toolgate::{Error, gate::Gate, testing::FakeProvider};

use super::*;

async fn fault(server: Server) -> String {
    server.build().await.expect_err("it does not start").to_string()
}

#[tokio::test]
async fn a_server_does_not_start_without_callers_of_that_issuer() {
    let world = World::start().await;
    let text = fault(server(&world)).await;
    assert!(text.contains("`Orders`") && text.contains("no gate"), "{text}");
    assert!(text.contains("https://issuer.test"), "{text}");

    let other = toolgate::gate::keys("https://other.test", Issuer::new().jwks()).unwrap();
    let text = fault(server(&world).gate(Gate::new(other).resource(RESOURCE))).await;
    for part in ["`Orders`", "`https://issuer.test`", "`https://other.test`"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let broker = server(&world)
        .public_url("http://127.0.0.1:8765")
        .broker::<OrdersApi>(|broker| broker.user("/user", "id"));
    let text = fault(broker).await;
    assert!(text.contains("broker"), "{text}");

    // `ORDERS_ISSUER` may be another.
    let server = Server::new("shop", "1")
        .provider(at(OrdersApi::client("shop"), &world.url).issuer(""))
        .tools(tools![list_orders])
        .gate(Gate::new(Issuer::new().verifier()).resource(RESOURCE));
    let text = fault(server).await;
    assert!(text.contains("the issuer of `Orders` is not set"), "{text}");
}

#[tokio::test]
async fn there_is_nothing_to_connect() {
    let site = Site::start().await;
    // The gate has no sign-in of browsers, which a provider with accounts would need.
    let page = site.client.person("alice").open("http://127.0.0.1:8765/accounts".to_owned()).await;
    assert!(page.is_err() || !page.unwrap().text().contains("Orders"));
    assert_eq!(site.client.call("list_orders", json!({})).await.status(), 401);
}

#[tokio::test]
async fn a_fake_provider_exchanges_tokens() -> Result<(), Error> {
    let orders = FakeProvider::<OrdersApi>::start(|request| {
        let account = request.extensions().get::<toolgate::testing::Account>().unwrap();
        http::Response::new(format!("{} {:?}", account.name, account.scopes).into())
    })
    .await?;
    let issuer = Issuer::new();
    let server = Server::new("shop", "1")
        .provider(orders.client())
        .tools(tools![list_orders])
        .gate(Gate::new(issuer.verifier()).resource(RESOURCE));
    let client = Client::of(server).await?;
    let alice = client.with(issuer.token("alice"));
    for _ in 0..2 {
        let answer = alice.call("list_orders", json!({})).await;
        assert_eq!(answer.text(), r#"alice {"orders:read"}"#, "{answer:?}");
    }
    assert_eq!(orders.exchanges(), 1);
    orders.forget_access_tokens();
    assert!(!alice.call("list_orders", json!({})).await.is_error());
    assert_eq!(orders.exchanges(), 2);

    let orders = AuthedClient::testing_with(|_| http::Response::new("none".into()));
    assert_eq!(list_orders(orders).await?, "none");
    Ok(())
}
