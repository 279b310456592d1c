//! Refresh tokens that are used again: by hosts that lost the answer, by two processes of one host,
//! and by thieves.

use std::time::Duration;

use forge::Config;
use integration::broker::{Application, Browser, Page, REDIRECT, Site};
use serde_json::json;
use toolgate::broker::KnownClient;

const MINUTE: Duration = Duration::from_secs(60);

async fn begin() -> (Site, Application, String) {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "repo:read", "alice").await;
    (site, host, tokens.text("refresh_token"))
}

#[tokio::test]
async fn an_answer_that_never_arrived_costs_nothing() {
    let (site, host, first) = begin().await;
    let lost = host.refresh(&first).await;
    assert_eq!(lost.status, 200);
    for days in [0, 1, 20] {
        site.advance(Duration::from_secs(days * 24 * 3600));
        let again = host.refresh(&first).await;
        assert_eq!(again.status, 200, "after {days} days: {}", again.body);
        assert_eq!(again.text("refresh_token"), lost.text("refresh_token"), "one family");
        assert!(again.body["expires_in"].as_u64().unwrap() >= 300, "{}", again.body);
    }
    let next = host.refresh(&lost.text("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.body);
}

#[tokio::test]
async fn a_host_that_never_saves_the_new_token_stays_signed_in() {
    let (site, host, token) = begin().await;
    for _ in 0..8 {
        site.clock.advance(Duration::from_secs(20 * 24 * 3600));
        let answer = host.refresh(&token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    site.clock.advance(Duration::from_secs(20 * 24 * 3600));
    assert_eq!(host.refresh(&token).await.error(), Some("invalid_grant"), "a sign-in has an end");
}

#[tokio::test]
async fn two_processes_of_a_host_take_turns() {
    let (site, host, first) = begin().await;
    let second = host.refresh(&first).await.text("refresh_token");
    let third = host.refresh(&second).await.text("refresh_token");
    site.advance(9 * MINUTE);
    let late = host.refresh(&first).await;
    assert_eq!(late.status, 200, "{}", late.body);
    assert_eq!(late.text("refresh_token"), third, "the newest, and not a second family");
    assert_eq!(host.refresh(&third).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_used_long_after_its_successor_ends_the_family() {
    let (site, host, first) = begin().await;
    let second = host.refresh(&first).await.text("refresh_token");
    let third = host.refresh(&second).await.text("refresh_token");
    site.advance(10 * MINUTE);
    assert_eq!(host.refresh(&first).await.error(), Some("invalid_grant"));
    for token in [&second, &third] {
        assert_eq!(host.refresh(token).await.error(), Some("invalid_grant"), "the whole family");
    }
}

#[tokio::test]
async fn a_host_that_refreshes_all_the_time_keeps_a_bounded_record() {
    let (site, host, first) = begin().await;
    let mut token = first.clone();
    for _ in 0..200 {
        site.clock.advance(Duration::from_secs(1));
        token = host.refresh(&token).await.text("refresh_token");
    }
    let old = host.refresh(&first).await;
    assert_eq!(old.error(), Some("invalid_grant"), "too many came after it: {}", old.body);
}

#[tokio::test]
async fn a_client_with_a_secret_keeps_its_token() {
    let site = Site::start().await;
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let host = Application::register_with(&site, metadata).await;
    let first = host.sign_in(&Browser::new(), "repo:read", "alice").await.text("refresh_token");
    for _ in 0..3 {
        site.advance(60 * MINUTE);
        let answer = host.refresh(&first).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.text("refresh_token"), first, "its secret protects it");
        assert_eq!(answer.body["expires_in"], 600);
    }
    assert_eq!(host.revoke(&first).await.status, 200);
    assert_eq!(host.refresh(&first).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn an_old_token_gives_nothing_after_the_account_was_disconnected() {
    let (site, host, first) = begin().await;
    host.refresh(&first).await.text("refresh_token");
    site.clock.advance(Duration::from_secs(1));
    site.broker.disconnect("forge:alice").await.unwrap();
    assert_eq!(host.refresh(&first).await.error(), Some("invalid_grant"));
}

/// What began before a disconnect stays over, although the disconnect was cut off half-way.
#[tokio::test]
async fn a_disconnect_that_was_cut_off_ends_every_sign_in() {
    let (site, store) = Site::counted(|builder| builder).await;
    let (first, second) = (Application::register(&site).await, Application::register(&site).await);
    let old = first.sign_in(&Browser::new(), "repo:read", "alice").await.text("refresh_token");
    let other = second.sign_in(&Browser::new(), "repo:read", "alice").await.text("refresh_token");
    site.clock.advance(Duration::from_secs(1));
    store.fail_after("broker-sign-in", 0);
    assert!(site.broker.disconnect("forge:alice").await.is_err(), "the store is gone");
    store.recover();
    // With another host, so that the account is connected.
    let third = Application::register(&site).await;
    third.sign_in(&Browser::new(), "repo:read", "alice").await;
    for (host, token) in [(&first, &old), (&second, &other)] {
        let answer = host.refresh(token).await;
        assert_eq!(answer.error(), Some("invalid_grant"), "{}", answer.body);
    }
}

/// Two deployments may share a store, and each is an issuer of its own.
#[tokio::test]
async fn a_sign_in_is_of_one_broker() {
    let desk = || KnownClient::new("desk", "Desk").redirect_uri(REDIRECT);
    let site = Site::with(Config::default(), |builder| builder.client(desk())).await;
    let sibling = site.sibling(|builder| builder.client(desk())).await;
    let host = Application::known(&site, "desk", REDIRECT);
    let browser = Browser::new();
    let token = host.sign_in(&browser, "repo:read", "alice").await.text("refresh_token");
    let refused = host.refresh_at(&sibling, &token).await;
    assert_eq!(refused.error(), Some("invalid_grant"), "{}", refused.body);
    let code = host.walk(&browser, "repo:read", "alice").await.code().to_owned();
    let refused = host.redeem_at(&sibling, &code).await;
    assert_eq!(refused.error(), Some("invalid_grant"), "{}", refused.body);
    assert_eq!(host.redeem(&code).await.status, 200, "nothing was spent");
    assert_eq!(host.refresh(&token).await.status, 200);
    // The browser sends its cookies to every port of this machine.
    let link = host.link("repo:read", &[("resource", "")]).replace(&site.url, &sibling);
    assert!(browser.open(&link).await.is_consent(), "nothing was allowed there");
    let page = browser.open(&host.link("repo:delete", &[])).await;
    let elsewhere = page_at(&page, &site.url, &sibling);
    let answer = browser.send(&elsewhere, &[("decision", "allow")], &[]).await;
    assert_eq!(answer.status, 410, "{}", answer.body);
}

/// The same page at another server.
fn page_at(page: &Page, from: &str, to: &str) -> Page {
    let url = page.url.as_str().replace(from, to).parse().unwrap();
    Page { url, ..page.clone() }
}
