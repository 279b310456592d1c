//! Attacks on the way back from the provider.

use std::time::Duration;

use forge::Config;
use integration::broker::{Application, Browser, Page, Site};
use tokio::time::timeout;
use toolgate::grant::GrantKey;
use url::Url;

/// A browser that is at the provider, and the `state` it took there.
async fn depart(config: Config) -> (Site, Application, Browser, Page, String) {
    let site = Site::with(config, |builder| builder).await;
    let application = Application::register(&site).await;
    let browser = Browser::new();
    let page = browser.open(&application.link("repo:read", &[])).await;
    let page = browser.decide(&page, "allow").await;
    let state = parameter(&page.url, "state");
    (site, application, browser, page, state)
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {url}")).1.into_owned()
}

fn callback(page: &Page) -> &Url {
    page.visited.iter().find(|url| url.path() == "/callback/forge").expect("it came back")
}

fn at(site: &Site, query: &str) -> String {
    format!("{}/callback/forge?{query}&iss={}", site.url, site.forge.url())
}

#[tokio::test]
async fn a_state_that_was_never_given() {
    let (site, _, browser, _, _) = depart(Config::default()).await;
    let page = browser.open(&at(&site, "code=x&state=broker.unknown")).await;
    assert_eq!(page.status, 410, "{}", page.body);
    let page = browser.open(&at(&site, "code=x&state=unknown")).await;
    assert_eq!(page.status, 410, "not ours: {}", page.body);
    let page = browser.open(&at(&site, "code=x")).await;
    assert_eq!(page.status, 410, "none at all: {}", page.body);
}

#[tokio::test]
async fn a_state_is_used_once() {
    let (site, application, browser, page, _) = depart(Config::default()).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    let code = page.answer().code().to_owned();
    let replayed = browser.open(callback(&page).as_str()).await;
    assert_eq!(replayed.status, 410, "{}", replayed.body);
    assert_eq!(site.forge.counts().codes, 1, "the provider's code was redeemed once");
    assert_eq!(application.redeem(&code).await.status, 200, "and the sign-in stands");
}

#[tokio::test]
async fn a_state_in_another_browser() {
    let (site, application, browser, page, state) = depart(Config::default()).await;
    let stranger = Browser::new();
    let forged = at(&site, &format!("code=stolen&state={state}"));
    assert_eq!(stranger.open(&forged).await.status, 403, "without a cookie");
    stranger.open(&application.link("repo:read", &[])).await;
    assert_eq!(stranger.open(&forged).await.status, 403, "with another cookie");
    // The stranger has not used it up.
    let page = browser.at_forge(page, "alice", "approve").await;
    page.answer().code();
}

#[tokio::test]
async fn a_victim_is_signed_in_as_the_attacker() {
    // The attacker stops before the callback, and gives that link to the victim.
    let (site, application, attacker, page, state) = depart(Config::default()).await;
    let victim = Browser::new();
    victim.open(&application.link("repo:read", &[])).await;
    let page = attacker.at_forge(page, "bob", "approve").await;
    let link = callback(&page).clone();
    assert_eq!(parameter(&link, "state"), state);
    let seen = victim.open(link.as_str()).await;
    assert!(!seen.is_application && matches!(seen.status.as_u16(), 403 | 410), "{}", seen.body);
    drop(site);
}

#[tokio::test]
async fn a_state_that_is_too_old() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    site.clock.advance(Duration::from_secs(601));
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_eq!(page.status, 410, "{}", page.body);
    assert_eq!(site.forge.counts().codes, 0, "the provider's code was not redeemed");
}

#[tokio::test]
async fn an_answer_of_another_issuer() {
    let (site, _, browser, page, _) = depart(Config::default().wrong_issuer()).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    let answer = page.answer();
    assert_eq!(answer.get("error"), Some("server_error"));
    assert!(answer.get("error_description").unwrap().contains("another issuer"), "{answer:?}");
    assert_eq!(answer.get("iss"), Some(site.url.as_str()), "our issuer, not the provider's");
    assert_eq!(site.forge.counts().codes, 0, "the code was not sent anywhere");
}

#[tokio::test]
async fn an_answer_without_an_issuer() {
    let (site, _, browser, _, state) = depart(Config::default()).await;
    let link = format!("{}/callback/forge?code=x&state={state}", site.url);
    let answer = browser.open(&link).await.answer();
    assert_eq!(answer.get("error"), Some("server_error"));
    let why = answer.get("error_description").unwrap();
    assert!(why.contains("does not say from which issuer"), "{why}");
    assert_eq!(site.forge.counts().codes, 0);
}

#[tokio::test]
async fn an_answer_with_two_codes() {
    let (site, _, browser, page, state) = depart(Config::default()).await;
    let seen = browser.open(&at(&site, &format!("code=x&code=y&state={state}"))).await;
    assert_eq!(seen.status, 400, "{}", seen.body);
    let page = browser.at_forge(page, "alice", "approve").await;
    page.answer().code();
}

#[tokio::test]
async fn an_answer_with_two_states() {
    let (site, _, browser, _, state) = depart(Config::default()).await;
    let seen = browser.open(&at(&site, &format!("code=x&state=other&state={state}"))).await;
    assert_eq!(seen.status, 400, "{}", seen.body);
}

#[tokio::test]
async fn another_users_code_at_the_provider() {
    // Bob's code, which the attacker has not let bob's browser redeem, on alice's state.
    let (site, application, alice, _, state) = depart(Config::default()).await;
    let bob = Browser::new();
    let page = bob.open(&application.link("repo:read", &[])).await;
    let page = bob.decide(&page, "allow").await;
    let page = bob.at_forge(page, "bob", "approve").await;
    let code = parameter(callback(&page), "code");
    let answer = alice.open(&at(&site, &format!("code={code}&state={state}"))).await.answer();
    assert_eq!(answer.get("error"), Some("server_error"), "{answer:?}");
    let nothing = site.grants.store().load(&GrantKey::new("forge:alice", "forge")).await.unwrap();
    assert!(nothing.is_none());
}

#[tokio::test]
async fn who_denies_at_the_provider_is_believed() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    let page = browser.at_forge(page, "alice", "deny").await;
    assert_eq!(page.answer().get("error"), Some("access_denied"));
    assert_eq!(site.forge.counts().codes, 0);
}

#[tokio::test]
async fn the_provider_grants_nothing_of_it() {
    let (site, _, browser, page, _) = depart(Config::default().withhold("repo:read")).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_eq!(page.answer().get("error"), Some("access_denied"));
    let nothing = site.grants.store().load(&GrantKey::new("forge:alice", "forge")).await.unwrap();
    assert!(nothing.is_none());
}

#[tokio::test]
async fn the_provider_does_not_say_who_it_is() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    site.forge.faults().api_status(1, 500, None);
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_eq!(page.answer().get("error"), Some("server_error"));
    let nothing = site.grants.store().load(&GrantKey::new("forge:alice", "forge")).await.unwrap();
    assert!(nothing.is_none(), "nothing is kept without a subject");
}

#[tokio::test]
async fn the_provider_does_not_redeem_its_code() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    site.forge.faults().token_status(1, 500);
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_eq!(page.answer().get("error"), Some("temporarily_unavailable"));
}

#[tokio::test]
async fn a_sign_in_is_kept_when_the_browser_leaves_while_its_code_is_redeemed() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    let held = site.forge.faults().hold_token();
    let back = tokio::spawn(async move { browser.at_forge(page, "alice", "approve").await });
    timeout(Duration::from_secs(60), held.reached(1)).await.expect("the code is redeemed");
    back.abort();
    assert!(back.await.unwrap_err().is_cancelled(), "the browser is closed");
    // A connection that is opened later: the server has seen the other one close.
    Browser::new().open(&format!("{}/oauth/style.css", site.url)).await;
    drop(held);
    let key = GrantKey::new("forge:alice", "forge");
    let stored = async {
        while site.grants.store().load(&key).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), stored).await.expect("the grant is stored");
}

#[tokio::test]
async fn an_account_is_revoked_although_the_caller_of_disconnect_leaves() {
    let (site, _, browser, page, _) = depart(Config::default()).await;
    browser.at_forge(page, "alice", "approve").await.answer().code();
    let held = site.forge.faults().hold_revoke();
    let broker = site.broker.clone();
    let disconnect = tokio::spawn(async move { broker.disconnect("forge:alice").await });
    timeout(Duration::from_secs(60), held.reached(1)).await.expect("the provider is asked");
    disconnect.abort();
    assert!(disconnect.await.unwrap_err().is_cancelled());
    drop(held);
    let revoked = async {
        while site.forge.counts().revocations < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), revoked).await.expect("both tokens are revoked");
}

/// Tokens that lead to no sign-in are revoked where they were issued.
#[tokio::test]
async fn tokens_of_a_sign_in_that_failed_are_revoked() {
    let (site, _, browser, page, _) = depart(Config::default().withhold("repo:read")).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_eq!(page.answer().get("error"), Some("access_denied"));
    let revoked = async {
        while site.forge.counts().revocations < 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), revoked).await.expect("they are revoked");
}

#[tokio::test]
async fn a_host_signs_its_user_out_although_it_leaves() {
    let (site, application, browser, page, _) = depart(Config::default()).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    let tokens = application.redeem(page.answer().code()).await;
    let held = site.forge.faults().hold_revoke();
    let token = tokens.text("refresh_token");
    let leaving = application.clone();
    let revoke = tokio::spawn(async move { leaving.revoke(&token).await });
    timeout(Duration::from_secs(60), held.reached(1)).await.expect("the provider is asked");
    revoke.abort();
    assert!(revoke.await.unwrap_err().is_cancelled());
    // A connection that is opened later: the server has seen the other one close.
    Browser::new().open(&format!("{}/oauth/style.css", site.url)).await;
    drop(held);
    let revoked = async {
        while site.forge.counts().revocations < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), revoked).await.expect("both tokens are revoked");
}
