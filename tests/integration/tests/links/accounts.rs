//! The page of connected accounts.

use std::time::Duration;

use integration::broker::Browser;
use tokio::time::timeout;

use super::{Linked, assert_ends};

#[tokio::test]
async fn a_person_sees_what_is_connected_and_takes_it_back() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("href=\"/accounts\""), "{}", page.body);

    let accounts = format!("{}/accounts", server.url);
    let page = browser.open(&accounts).await;
    assert_ends(&page, 200, "Disconnect Forge");
    assert!(page.body.contains("repo:read"), "{}", page.body);
    let bobs = server.browser("bob").await;
    assert_ends(&bobs.open(&accounts).await, 200, "Nothing is connected");

    let page = browser.open(&accounts).await;
    let elsewhere: [&[(&str, &str)]; 3] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
    ];
    for headers in elsewhere {
        assert_ends(&browser.send(&page, &[], headers).await, 403, "Nothing was changed");
    }
    let guessed = browser.send(&page, &[("csrf", "guess")], &[]).await;
    assert_ends(&guessed, 403, "Nothing was changed");
    let empty = browser.send(&page, &[("csrf", "")], &[]).await;
    assert_ends(&empty, 403, "Nothing was changed");
    assert_ends(&bobs.send(&page, &[], &[]).await, 403, "Nothing was changed");
    for csrf in ["guess", ""] {
        let page = Browser::new().send(&page, &[("csrf", csrf)], &[]).await;
        assert_ends(&page, 403, "Nothing was changed");
    }
    let unknown = browser.send(&page, &[("provider", "other")], &[]).await;
    assert_ends(&unknown, 400, "belongs to nothing");
    assert!(server.says("alice").await.contains("compass drifts"), "it is still connected");

    let done = browser.send(&page, &[], &[("sec-fetch-site", "same-origin")]).await;
    assert_ends(&done, 200, "Forge has revoked the access");
    assert!(server.says("alice").await.contains("not connected"));
    assert_ends(&browser.open(&accounts).await, 200, "Nothing is connected");
}

/// Waits for what has to happen, and fails after a while.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), until).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_disconnected_account_is_revoked_although_the_browser_leaves() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    browser.at_forge(page, "alice", "approve").await;
    let page = browser.open(&format!("{}/accounts", server.url)).await;

    let held = server.forge.faults().hold_revoke();
    let leaving = browser.clone();
    let post = tokio::spawn(async move { leaving.send(&page, &[], &[]).await });
    timeout(Duration::from_secs(60), held.reached(1)).await.expect("the provider is asked");
    post.abort();
    assert!(post.await.unwrap_err().is_cancelled(), "the browser is closed");
    // A connection that is opened later: the server has seen the other one close.
    Browser::new().open(&format!("{}/connect.css", server.url)).await;
    drop(held);
    eventually("both tokens are revoked", || server.forge.counts().revocations == 2).await;
    assert!(server.says("alice").await.contains("not connected"));
}
