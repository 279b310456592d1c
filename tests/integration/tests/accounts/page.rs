//! `/accounts` of a person with several accounts.

use serde_json::json;

use super::{Desk, names};

/// A desk where two accounts are connected.
async fn two() -> Desk {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    let page = desk.user.account("bob").connect_another("github").await.unwrap();
    assert!(page.text().contains("GitHub is connected as bob"), "{}", page.text());
    desk
}

async fn emails(desk: &Desk, account: &str) -> String {
    desk.client.call("addresses", json!({ "account": account })).await.text()
}

#[tokio::test]
async fn one_account_is_shown_with_its_name() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    let page = desk.user.accounts().await.unwrap();
    assert!(page.text().contains("You are connected as <strong>alice</strong>"), "{}", page.text());
    assert!(page.text().contains("Connect another account of GitHub"), "{}", page.text());
    assert!(!page.text().contains("Rename"), "there is nothing to tell apart: {}", page.text());
}

#[tokio::test]
async fn the_person_chooses_the_default() {
    let desk = two().await;
    assert!(desk.call("addresses").await.text().contains("alice@example.com"));
    desk.user.change_account("github", "bob", &[("action", "default")]).await.unwrap();
    assert!(desk.call("addresses").await.text().contains("bob@example.com"));
    assert!(emails(&desk, "alice").await.contains("alice@example.com"));
    desk.user.change_account("github", "alice", &[("action", "default")]).await.unwrap();
    assert!(desk.call("addresses").await.text().contains("alice@example.com"));
}

#[tokio::test]
async fn the_person_renames_an_account() {
    let desk = two().await;
    let rename = async |account: &str, name: &str| {
        let form = [("action", "rename"), ("name", name)];
        desk.user.change_account("github", account, &form).await.unwrap()
    };
    rename("bob", "home").await;
    assert!(emails(&desk, "home").await.contains("bob@example.com"));
    assert!(emails(&desk, "bob").await.contains("has no account of this name"));
    let page = rename("home", "Alice").await;
    assert_eq!(page.status(), 422);
    assert!(page.text().contains("Another account of yours has this name"), "{}", page.text());
    let long = "x".repeat(41);
    assert!(rename("home", &long).await.text().contains("at most 40 characters"));
    let markup = rename("home", "<b>\u{202e}").await;
    assert!(markup.text().contains("&lt;b&gt;") && !markup.text().contains("<b>"));
    rename("<b>", "").await;
    assert!(emails(&desk, "bob").await.contains("bob@example.com"), "it has its own name again");
}

#[tokio::test]
async fn one_account_is_disconnected_and_the_others_stay() {
    let desk = two().await;
    let revoked = desk.github.counts().revocations;
    let page = desk.user.change_account("github", "alice", &[]).await.unwrap();
    assert!(page.text().contains("alice is disconnected from this server"), "{}", page.text());
    assert_eq!(desk.github.counts().revocations, revoked + 1);
    assert!(desk.call("addresses").await.text().contains("bob@example.com"), "it is the default");
    let unknown = desk.client.call("addresses", json!({ "account": "alice" })).await;
    assert_eq!(names(&unknown), ["bob (the default)"]);
    let page = desk.user.change_account("github", "bob", &[]).await.unwrap();
    assert!(page.text().contains("GitHub is disconnected"), "{}", page.text());
    assert!(desk.call("addresses").await.link().is_some());
}

#[tokio::test]
async fn an_account_is_connected_again_and_no_other_in_its_place() {
    let desk = two().await;
    desk.github.revoke_grants();
    for account in ["alice", "bob"] {
        let asks = desk.client.call("addresses", json!({ "account": account })).await;
        assert!(asks.text().contains("has to be connected again"), "{}", asks.text());
    }
    let page = desk.user.accounts().await.unwrap();
    assert!(page.text().contains("Connect bob again"), "{}", page.text());
    let form = [("action", "reconnect")];
    let page = desk.user.account("carol").change_account("github", "bob", &form).await.unwrap();
    assert!(page.text().contains("You were asked for your account <strong>bob</strong>"));
    assert!(emails(&desk, "carol").await.contains("carol@example.com"));
    let asks = desk.client.call("addresses", json!({ "account": "bob" })).await;
    assert!(asks.text().contains("has to be connected again"), "bob is as it was");
    desk.user.account("bob").change_account("github", "bob", &form).await.unwrap();
    assert!(emails(&desk, "bob").await.contains("bob@example.com"));
}

#[tokio::test]
async fn a_person_has_a_bounded_number_of_accounts() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "person0").await;
    let connect = async |name: &str| desk.user.account(name).connect_another("github").await;
    for at in 1..8 {
        connect(&format!("person{at}")).await.unwrap();
    }
    assert!(connect("person8").await.is_err(), "the page offers no more");
    let page = desk.user.accounts().await.unwrap();
    assert!(page.text().contains("as many accounts of GitHub as can be connected"));
}

#[tokio::test]
async fn forms_are_the_persons_own() {
    let desk = two().await;
    for (account, form) in [
        ("nothing", &[("action", "default")][..]),
        ("bob", &[("action", "explode")]),
        ("bob", &[("action", "rename"), ("name", "x"), ("csrf", "forged")]),
    ] {
        let page = desk.user.change_account("github", account, form).await;
        assert!(page.is_err() || page.unwrap().status() >= 400, "{account} {form:?}");
    }
    assert_eq!(
        names(&desk.client.call("addresses", json!({ "account": "?" })).await),
        ["alice (the default)", "bob"]
    );
}
