//! Providers that are elsewhere for each person, who says where in a form of `/connect/{id}`.

mod form;
mod shops;

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use toolgate::{
    Server,
    gate::Gate,
    grant::{ManualClock, MasterKey, SqliteStore},
    prelude::*,
    provider::OAuthClient,
    testing::{Answer, Browsers, Client, Issuer, Person, RESOURCE},
};

use self::shops::{Shop, Shops, client, customers, orders};

/// A server over a store that outlives it, and its people.
struct Mall {
    directory: TempDir,
    key: MasterKey,
    clock: Arc<ManualClock>,
    issuer: Issuer,
}

impl Mall {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            key: MasterKey::generate(),
            clock: Arc::new(ManualClock::at(std::time::SystemTime::now())),
            issuer: Issuer::new(),
        }
    }

    /// Another process with the same store.
    async fn process(&self, provider: OAuthClient<Shops>) -> Client {
        let store = SqliteStore::at(self.directory.path()).key(self.key.clone());
        let store = store.clock(self.clock.clone()).open().await.unwrap();
        let verifier = self.issuer.verifier();
        let gate = Gate::new(verifier).resource(RESOURCE).browser(Browsers);
        let server: Server = toolgate::server!();
        let server = server.gate(gate).provider(provider).tools(tools![orders, customers]);
        Client::of(server.store(store).clock(self.clock.clone())).await.unwrap()
    }

    fn of(&self, client: &Client, subject: &str) -> (Client, Person) {
        (client.with(self.issuer.token(subject)), client.person(subject))
    }
}

/// Connects the shop for the tool.
async fn connect(client: &Client, person: &Person, tool: &str, shop: &str) {
    let asks = client.call(tool, json!({})).await;
    let link = asks.link().unwrap_or_else(|| panic!("no link: {}", asks.body()));
    let page = person.address("shop", shop).open(link).await.unwrap();
    assert!(page.text().contains("Shops is connected"), "{}", page.text());
}

fn assert_orders(answer: &Answer, shop: &Shop) {
    let expected = format!("the orders of {}", shop.name());
    assert_eq!(answer.text(), expected, "{}", answer.body());
}

#[tokio::test]
async fn two_people_use_two_shops_at_once() {
    let mall = Mall::new();
    let (one, two) = (Shop::open().await, Shop::open().await);
    let server = mall.process(client()).await;
    let (alice, her) = mall.of(&server, "alice");
    let (bob, him) = mall.of(&server, "bob");
    connect(&alice, &her, "orders", &one.name()).await;
    connect(&bob, &him, "orders", &two.name()).await;
    for round in 0..3 {
        let calls = (0..8).map(|at| {
            let (client, shop) = if at % 2 == 0 { (&alice, &one) } else { (&bob, &two) };
            async move { assert_orders(&client.call("orders", json!({})).await, shop) }
        });
        futures::future::join_all(calls).await;
        if round == 0 {
            one.expire_access_tokens();
            two.expire_access_tokens();
        }
        mall.clock.advance(Duration::from_secs(200));
    }
    assert!(one.count("refresh") >= 1 && two.count("refresh") >= 1, "{:?}", one.seen());
    let accounts = him.open(format!("{}accounts", RESOURCE.trim_end_matches("mcp"))).await.unwrap();
    assert!(accounts.text().contains(&two.name()), "{}", accounts.text());
    assert!(!accounts.text().contains(&one.name()), "{}", accounts.text());
    him.disconnect("shops").await.unwrap();
    assert!(two.count("revoke") >= 1 && one.count("revoke") == 0, "{:?}", two.seen());
    assert_orders(&alice.call("orders", json!({})).await, &one);
    for shop in [one, two] {
        shop.assert_no_foreign_secret();
    }
}

#[tokio::test]
async fn the_address_stays_with_the_grant_in_other_processes() {
    let mall = Mall::new();
    let shop = Shop::open().await;
    let first = mall.process(client()).await;
    let (alice, her) = mall.of(&first, "alice");
    connect(&alice, &her, "orders", &shop.name()).await;
    drop((first, alice, her));
    let second = mall.process(client()).await;
    let (alice, her) = mall.of(&second, "alice");
    mall.clock.advance(Duration::from_secs(601));
    assert_orders(&alice.call("orders", json!({})).await, &shop);
    assert_eq!(shop.count("refresh"), 1, "{:?}", shop.seen());
    her.disconnect("shops").await.unwrap();
    assert!(shop.count("revoke") >= 1, "{:?}", shop.seen());
    shop.assert_no_foreign_secret();
}

#[tokio::test]
async fn a_grant_of_one_address_is_not_used_when_the_operator_names_another() {
    let mall = Mall::new();
    let (hers, of_all) = (Shop::open().await, Shop::open().await);
    let first = mall.process(client()).await;
    let (alice, her) = mall.of(&first, "alice");
    connect(&alice, &her, "orders", &hers.name()).await;
    let second = mall.process(client().placeholder("shop", of_all.name())).await;
    let (alice, her) = mall.of(&second, "alice");
    let asks = alice.call("orders", json!({})).await;
    assert!(asks.text().contains("another address"), "{}", asks.body());
    // There is nothing to ask for: the operator has said where it is.
    let page = her.open(asks.link().unwrap()).await.unwrap();
    assert!(page.text().contains("Shops is connected"), "{}", page.text());
    assert_orders(&alice.call("orders", json!({})).await, &of_all);
    // And back: what was granted at the operator's address is no person's.
    let third = mall.process(client()).await;
    let (alice, _) = mall.of(&third, "alice");
    assert!(alice.call("orders", json!({})).await.link().is_some());
    for shop in [hers, of_all] {
        shop.assert_no_foreign_secret();
    }
}

#[tokio::test]
async fn a_shop_gets_no_token_of_another_shop() {
    let mall = Mall::new();
    let (before, after) = (Shop::open().await, Shop::open().await);
    after.give_no_refresh_tokens();
    let server = mall.process(client()).await;
    let (alice, her) = mall.of(&server, "alice");
    connect(&alice, &her, "orders", &before.name()).await;
    // More is needed, and the form says what was connected before.
    let asks = alice.call("customers", json!({})).await;
    let form = her.open(asks.link().unwrap()).await.unwrap();
    let known = format!("value=\"{}\"", before.name());
    assert!(form.text().contains(&known), "{}", form.text());
    connect(&alice, &her, "customers", &after.name()).await;
    assert_orders(&alice.call("customers", json!({})).await, &after);
    // The refresh token of the shop before is not that of this one.
    after.expire_access_tokens();
    let asks = alice.call("orders", json!({})).await;
    assert!(asks.link().is_some(), "{}", asks.body());
    assert_eq!((before.count("refresh"), after.count("refresh")), (0, 0));
    for shop in [before, after] {
        shop.assert_no_foreign_secret();
    }
}

#[tokio::test]
async fn a_call_under_way_does_not_take_the_token_of_the_next_shop() {
    let mall = Mall::new();
    let (before, after) = (Shop::open().await, Shop::open().await);
    let server = mall.process(client()).await;
    let (alice, her) = mall.of(&server, "alice");
    connect(&alice, &her, "orders", &before.name()).await;
    before.hold();
    let call = tokio::spawn({
        let alice = alice.clone();
        async move { alice.call("orders", json!({})).await }
    });
    before.is_asked().await;
    connect(&alice, &her, "customers", &after.name()).await;
    before.expire_access_tokens();
    before.go_on();
    let answer = call.await.unwrap();
    assert!(answer.is_error(), "{}", answer.body());
    assert!(answer.text().contains("during this call"), "{}", answer.text());
    assert_orders(&alice.call("orders", json!({})).await, &after);
    for shop in [before, after] {
        shop.assert_no_foreign_secret();
    }
}
