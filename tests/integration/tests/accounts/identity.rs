//! The tokens of one account never stand in the record of another.

use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use serde_json::json;
use toolgate::{
    client::http,
    grant::{Grant, GrantKey, GrantStore as _, MasterKey, SqliteStore},
    prelude::*,
    testing::{Client, FakeProvider},
};

use super::{Desk, names};

#[tokio::test]
async fn more_scopes_of_another_account_do_not_replace_the_one_that_is_connected() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    assert!(desk.call("addresses").await.text().contains("alice@example.com"));

    let page = desk.connect(&desk.call("unread").await, "bob").await;
    assert!(page.contains("connected as bob"), "it says which is which: {page}");
    assert!(page.contains("You were asked for your account <strong>alice</strong>"), "{page}");
    assert!(desk.call("addresses").await.text().contains("alice@example.com"), "it is alice's");
    let asks = desk.call("unread").await;
    assert!(!asks.text().contains("\"login\""), "alice has not granted it: {}", asks.text());

    desk.connect(&desk.call("unread").await, "alice").await;
    assert!(desk.call("unread").await.text().contains("\"login\":\"alice\""));
    let bobs = desk.client.call("unread", json!({ "account": "bob" })).await;
    assert!(bobs.text().contains("\"login\":\"bob\""), "{}", bobs.body());
}

#[tokio::test]
async fn a_call_that_waits_is_told_that_another_account_was_connected() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    let link = desk.call("unread").await;
    desk.connect(&link, "bob").await;
    let says = desk.call("unread").await;
    let text = says.text();
    assert!(text.contains("`bob`") || says.link().is_some(), "{text}");
    assert!(!text.contains("\"login\""), "{text}");
}

#[tokio::test]
async fn an_account_in_the_place_of_one_that_has_ended_is_used_from_then_on() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    desk.github.revoke_grants();
    let asks = desk.call("addresses").await;
    let page = desk.connect(&asks, "bob").await;
    assert!(page.contains("connected as bob"), "{page}");
    assert!(!page.contains("You were asked for"), "{page}");
    assert!(desk.call("addresses").await.text().contains("bob@example.com"));
    assert_eq!(
        names(&desk.client.call("addresses", json!({ "account": "?" })).await),
        ["alice", "bob (the default)"]
    );
}

#[tokio::test]
async fn an_account_from_an_earlier_version_is_identified_by_its_own_token() {
    let directory = tempfile::tempdir().unwrap();
    let master_key = MasterKey::generate();
    let open = || SqliteStore::at(directory.path()).key(master_key.clone()).open();
    let (desk, store) = (Desk::with(open().await.unwrap()).await, open().await.unwrap());
    desk.connect(&desk.call("addresses").await, "alice").await;
    let key = GrantKey::new(Caller::LOCAL, "github");
    let row = store.load(&key).await.unwrap().unwrap();
    // As a version has written it that did not ask whose account it is.
    let token = row.value.access_token.expose_secret();
    let mut old = Grant::new(token, row.value.obtained_at).scopes(row.value.scopes.clone());
    old.expires_at = row.value.expires_at;
    store.save(&key, &old, row.revision).await.unwrap();

    let page = desk.connect(&desk.call("unread").await, "bob").await;
    assert!(page.contains("You were asked for your account <strong>alice</strong>"), "{page}");
    assert!(desk.call("addresses").await.text().contains("alice@example.com"));
}

#[tokio::test]
async fn an_account_that_cannot_be_identified_is_not_connected() {
    let desk = Desk::new().await;
    desk.github.limit_requests(1);
    let page = desk.connect(&desk.call("addresses").await, "alice").await;
    assert!(page.contains("it did not say whose account it is"), "{page}");
    assert!(desk.call("addresses").await.link().is_some(), "nothing is connected");
}

/// A chat with workspaces.
#[provider(
    api = "https://chat.example/api",
    authorize = "https://chat.example/authorize",
    token = "https://chat.example/token",
    account(path = "/auth.test", id("/team_id", "/user_id"), label("/user", "/team_id"))
)]
enum Chat {
    /// Reads channels.
    #[scope("channels:read", access = read)]
    Read,
}

/// Lists channels.
#[tool(scopes = "channels:read")]
async fn channels(chat: AuthedClient<Chat>) -> Result<String> {
    chat.get("/channels").send().await?.text().await
}

#[tokio::test]
async fn identifiers_of_two_workspaces_are_two_accounts() {
    let team = Arc::new(Mutex::new("T1"));
    let of_request = Arc::clone(&team);
    let chat = FakeProvider::<Chat>::start(move |request| {
        let team = of_request.lock().unwrap();
        let body = match request.uri().path() {
            "/auth.test" => json!({ "team_id": *team, "user_id": "U1", "user": "alice" }),
            _ => json!([]),
        };
        http::Response::new(body.to_string().into())
    })
    .await
    .unwrap();
    let server = toolgate::server!().provider(chat.client()).tools(tools![channels]);
    let client = Client::of(server).await.unwrap();
    let alice = client.person("alice");
    let asks = client.call("channels", json!({})).await;
    alice.open(asks.link().unwrap()).await.unwrap();
    *team.lock().unwrap() = "T2";
    chat.revoke_everything();
    let asks = client.call("channels", json!({})).await;
    let page = alice.open(asks.link().unwrap()).await.unwrap();
    assert!(page.text().contains("connected as alice (T2)"), "{}", page.text());
    let unknown = client.call("channels", json!({ "account": "nobody" })).await;
    assert_eq!(names(&unknown), ["alice (T1)", "alice (T2) (the default)"]);
}
