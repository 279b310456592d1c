//! What is sent where, and how often.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use integration::log::Log;
use serde_json::{Value, json};
use tracing::Level;

use super::{SECRET, Site};

fn sorted(form: &HashMap<String, String>) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
    pairs.sort_unstable();
    pairs
}

#[tokio::test]
async fn the_callers_token_is_exchanged_for_one_with_the_scopes_of_the_tool() {
    let site = Site::start().await;
    let token = site.token("alice").scopes("all:of:it").to_string();
    let alice = site.client.with_text(&token);
    let answer = alice.call("list_orders", json!({})).await;
    assert_eq!(answer.text(), "alice with orders:read", "{answer:?}");
    let exchanges = site.world.exchanges();
    let api = format!("{}/api", site.world.url);
    let expected = [
        ("client_id", "shop"),
        ("client_secret", SECRET),
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", api.as_str()),
        ("scope", "orders:read"),
        ("subject_token", token.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    assert_eq!(sorted(&exchanges[0].form), expected);
    assert_eq!(exchanges[0].authorization, None);

    let answer = alice.call("place_order", json!({})).await;
    assert_eq!(answer.text(), "alice with orders:write");
    let answer = alice.call("list_orders", json!({})).await;
    assert_eq!(answer.text(), "alice with orders:read");
    assert_eq!(site.world.exchanges().len(), 2, "one for each set of scopes");
    assert!(!site.world.sent().contains(&token), "no token is passed through");
}

#[tokio::test]
async fn an_api_that_has_a_name_is_asked_for_by_it() {
    let site = Site::start().await;
    assert_eq!(site.call("alice", "count_stock").await.text(), "alice with stock:read");
    let exchange = &site.world.exchanges()[0];
    assert_eq!(exchange.form["audience"], "stock-api");
    for absent in ["resource", "client_id", "client_secret"] {
        assert!(!exchange.form.contains_key(absent), "{absent}");
    }
    // `shop:secret+of+the+client+%26%3D`
    let basic = "Basic c2hvcDpzZWNyZXQrb2YrdGhlK2NsaWVudCslMjYlM0Q=";
    assert_eq!(exchange.authorization.as_deref(), Some(basic));
}

#[tokio::test]
async fn fifty_calls_at_once_share_an_exchange_and_other_callers_have_their_own() {
    let site = Site::start().await;
    let alice = site.caller("alice");
    let answers = join_all((0..50).map(|_| alice.call("list_orders", json!({})))).await;
    assert!(answers.iter().all(|answer| answer.text() == "alice with orders:read"));
    assert_eq!(site.world.exchanges().len(), 1);

    assert_eq!(site.call("bob", "list_orders").await.text(), "bob with orders:read");
    let machine = site.client.with(site.token("any").client_credentials());
    let answer = machine.call("list_orders", json!({})).await;
    assert_eq!(answer.text(), "testing with orders:read", "machines may call as well");
    assert_eq!(site.world.exchanges().len(), 3);
}

#[tokio::test]
async fn a_token_is_used_for_its_life_and_a_tool_that_asks_nothing_needs_none() {
    let site = Site::start().await;
    assert_eq!(site.call("alice", "idle").await.text(), "idle");
    assert!(site.world.exchanges().is_empty(), "it is exchanged for the first request");

    let alice = site.caller("alice");
    let mut count = 0;
    for (members, lives) in [
        (json!({ "expires_in": 120 }), 90),
        (json!({ "expires_in": 20 }), 15),
        (json!({ "expires_in": Value::Null }), 60),
    ] {
        site.world.respond_with(members.clone());
        alice.call("list_orders", json!({})).await;
        count += 1;
        site.clock.advance(Duration::from_secs(lives - 1));
        alice.call("list_orders", json!({})).await;
        assert_eq!(site.world.exchanges().len(), count, "{members}");
        site.clock.advance(Duration::from_secs(1));
    }
    let answer = alice.call("list_orders", json!({})).await;
    assert_eq!(answer.text(), "alice with orders:read");
    assert_eq!(site.world.exchanges().len(), count + 1);
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_replaced_once() {
    let site = Site::start().await;
    let alice = site.caller("alice");
    alice.call("list_orders", json!({})).await;
    site.world.forget_tokens();
    let answers = join_all((0..9).map(|_| alice.call("list_orders", json!({})))).await;
    assert!(answers.iter().all(|answer| answer.text() == "alice with orders:read"), "{answers:?}");
    assert_eq!(site.world.exchanges().len(), 2);

    site.world.refuse_all_tokens();
    let answer = alice.call("list_orders", json!({})).await;
    assert_eq!(site.world.exchanges().len(), 3);
    assert!(answer.is_error() && answer.link().is_none(), "{answer:?}");
    assert!(answer.text().contains("the operator of this server has to"), "{}", answer.text());
}

#[tokio::test]
async fn no_token_and_no_secret_is_in_the_log_or_in_an_event() {
    let (log, _guard) = Log::listen(Level::TRACE);
    let site = Site::start().await;
    let token = site.token("alice").to_string();
    let alice = site.client.with_text(&token);
    alice.call("list_orders", json!({})).await;
    site.world.forget_tokens();
    alice.call("list_orders", json!({})).await;
    for code in ["invalid_grant", "invalid_client", "invalid_request"] {
        let quoted = format!("the token {token} of {SECRET}");
        site.world.answer(400, json!({ "error": code, "error_description": quoted }));
        let answer = alice.call("place_order", json!({})).await;
        assert!(!answer.body().to_string().contains(&token[..24]), "{answer:?}");
    }
    let mut secrets = site.world.issued();
    secrets.extend(site.world.sent());
    secrets.extend([token, SECRET.to_owned()]);
    let (log, events) = (log.text(), site.recorder.text());
    assert!(!site.recorder.all("refresh_done").is_empty());
    assert_eq!(site.recorder.all("refresh_failed").len(), 3, "{events}");
    for secret in secrets {
        assert!(secret.len() > 8);
        assert!(!log.contains(&secret), "{secret}");
        assert!(!events.contains(&secret), "{secret}");
    }
}
