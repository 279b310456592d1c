//! Attacks on links of step-ups.

use std::time::Duration;

use integration::{
    broker::{Application, Browser, Page},
    client::text_of,
    deployment,
};
use serde_json::json;
use toolgate::gate::StepUp;

use super::{SignedIn, Site, asks, is_opened, titled};

/// A host of alice's that lacks a scope, and its link.
async fn begin() -> (Site, SignedIn, String) {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let link = site.link(&alice.token).await;
    (site, alice, link)
}

async fn assert_not_added(site: &Site, alice: &SignedIn) {
    assert!(!is_opened(&site.open_issue(&alice.token).await));
}

#[tokio::test]
async fn another_persons_browser() {
    let (site, alice, link) = begin().await;
    let bob = site.sign_in("Other", "bob").await;
    let page = bob.browser.open(&link).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("another person"), "{}", page.body);
    // The form of alice's page, sent by bob's browser, with and without bob's own token.
    let own = alice.browser.open(&link).await;
    let forged = bob.browser.send(&own, &[("decision", "allow")], &[]).await;
    assert_eq!(forged.status, 403, "{}", forged.body);
    assert_not_added(&site, &alice).await;
    assert!(asks(&alice.browser.open(&link).await), "it is not used up");
}

#[tokio::test]
async fn a_browser_that_is_not_signed_in_signs_in_first_and_comes_back() {
    let (site, alice, link) = begin().await;
    let browser = Browser::new();
    let consent = browser.open(&link).await;
    assert!(consent.is_consent(), "{}: {}", consent.url, consent.body);
    let page = browser.decide(&consent, "allow").await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(asks(&page), "{}: {}", page.url, page.body);
    let other = SignedIn { browser, ..site.sign_in("Other", "alice").await };
    other.allow(&link, "alice").await;
    assert!(is_opened(&site.open_issue(&alice.token).await));
    assert_not_added(&site, &other).await;
}

#[tokio::test]
async fn a_browser_in_which_another_person_signs_in_for_it() {
    let (site, alice, link) = begin().await;
    let browser = Browser::new();
    let consent = browser.open(&link).await;
    let page = browser.decide(&consent, "allow").await;
    let page = browser.at_forge(page, "bob", "approve").await;
    assert_eq!(page.status, 403, "{}: {}", page.url, page.body);
    assert_not_added(&site, &alice).await;
}

#[tokio::test]
async fn another_clients_sign_in_gets_nothing() {
    let (site, alice, link) = begin().await;
    let other = site.sign_in("Other", "alice").await;
    let same_host = alice.host.sign_in(&alice.browser, "repo:read", "alice").await;
    alice.allow(&link, "alice").await;
    assert!(is_opened(&site.open_issue(&alice.token).await));
    assert_not_added(&site, &other).await;
    assert!(!is_opened(&site.open_issue(&same_host.text("access_token")).await));
}

#[tokio::test]
async fn a_link_that_was_used() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    alice.allow(&link, "alice").await;
    assert_eq!(alice.browser.open(&link).await.status, 410);
    let again = alice.decide(&page, "allow").await;
    assert_eq!(again.status, 410, "{}", again.body);
    let other = site.sign_in("Other", "bob").await;
    assert_eq!(other.browser.open(&link).await.status, 410);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_goes_to_the_provider_once() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    let first = alice.decide(&page, "allow").await;
    assert!(first.url.as_str().starts_with(site.forge.url()), "{}", first.url);
    assert_eq!(alice.decide(&page, "allow").await.status, 410);
    assert_eq!(alice.decide(&page, "deny").await.status, 410, "nor is it taken back");
    let done = alice.browser.at_forge(first, "alice", "approve").await;
    assert!(done.body.contains("It may do more now"), "{}", done.body);
}

#[tokio::test]
async fn a_link_after_its_person_disconnected() {
    let (site, alice, link) = begin().await;
    let accounts = alice.browser.open(&format!("{}/accounts", site.url)).await;
    let done = alice.browser.send(&accounts, &[], &[]).await;
    assert!(done.body.contains("Forge is disconnected"), "{}", done.body);
    assert_eq!(alice.browser.open(&link).await.status, 410);
    alice.host.sign_in(&alice.browser, "repo:read", "alice").await;
    assert_eq!(alice.browser.open(&link).await.status, 410, "nor after the next sign-in");
}

#[tokio::test]
async fn a_person_who_disconnects_while_they_are_at_the_provider() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    let at_provider = alice.decide(&page, "allow").await;
    let accounts = alice.browser.open(&format!("{}/accounts", site.url)).await;
    alice.browser.send(&accounts, &[], &[]).await;
    let back = alice.browser.at_forge(at_provider, "alice", "approve").await;
    assert_eq!(back.status, 410, "{}: {}", back.url, back.body);
    let accounts = alice.browser.open(&format!("{}/accounts", site.url)).await;
    assert!(!accounts.body.contains("Disconnect Forge"), "nothing was kept: {}", accounts.body);
}

#[tokio::test]
async fn a_client_that_signs_its_person_out() {
    let (_site, alice, link) = begin().await;
    assert_eq!(alice.host.revoke(&alice.refresh).await.status, 200);
    assert_eq!(alice.browser.open(&link).await.status, 410);
}

#[tokio::test]
async fn guessed_links() {
    let (site, alice, link) = begin().await;
    let (base, secret) = link.rsplit_once('.').unwrap();
    let id = base.rsplit_once('/').unwrap().1.to_owned();
    let changed = secret.replace(|first: char| first == secret.chars().next().unwrap(), "_");
    for guess in [
        base.to_owned(),
        format!("{base}."),
        format!("{base}.{changed}"),
        format!("{base}.{}", &secret[1..]),
        format!("{base}.{secret}.{secret}"),
        format!("{}/oauth/step-up/.{secret}", site.url),
        format!("{}/oauth/step-up/{secret}.{id}", site.url),
        format!("{}/oauth/step-up/{}.{secret}", site.url, "A".repeat(43)),
        format!("{}/oauth/step-up/..%2f..%2faccounts", site.url),
    ] {
        let page = alice.browser.open(&guess).await;
        assert!(page.status.is_client_error(), "{guess}: {}", page.status);
        assert!(!asks(&page), "{guess}");
    }
    let mut refused = None;
    // Each replica counts by itself.
    for _ in 0..100 * deployment::counters() {
        let page = alice.browser.open(&format!("{base}.{changed}")).await;
        refused = (page.status == 429).then_some(page);
        if refused.is_some() {
            break;
        }
    }
    assert!(refused.is_some(), "guesses are limited");
}

#[tokio::test]
async fn a_link_that_expired() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    site.advance(Duration::from_secs(601));
    assert_eq!(alice.browser.open(&link).await.status, 410);
    assert_eq!(alice.decide(&page, "allow").await.status, 410, "the form as well");
}

#[tokio::test]
async fn a_link_is_not_given_out_again_shortly_before_it_expires() {
    let (site, alice, link) = begin().await;
    site.advance(Duration::from_secs(299));
    assert_eq!(site.link(&alice.token).await, link);
    site.advance(Duration::from_secs(2));
    let refreshed = site.link(&alice.token).await;
    assert_ne!(refreshed, link);
    assert!(asks(&alice.browser.open(&refreshed).await));
}

#[tokio::test]
async fn another_persons_account_at_the_provider() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    let page = alice.decide(&page, "allow").await;
    let request = page.form()["request"].clone();
    let login = format!(r#"<form action="/login"><input name="request" value="{request}"></form>"#);
    let login = Page { body: login, ..page };
    let bob = [("user", "bob"), ("password", "bob-password")];
    let page = alice.browser.send(&login, &bob, &[]).await;
    let page = alice.browser.at_forge(page, "bob", "approve").await;
    assert!(page.body.contains("the account of another person"), "{}: {}", page.url, page.body);
    assert_not_added(&site, &alice).await;
}

#[tokio::test]
async fn a_provider_callback_in_another_browser() {
    let (site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    let page = alice.decide(&page, "allow").await;
    let state = page.url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let (url, iss) = (&site.url, site.forge.url());
    let callback = format!("{url}/callback/forge?code=guess&state={state}&iss={iss}");
    let bob = site.sign_in("Other", "bob").await;
    assert_eq!(bob.browser.open(&callback).await.status, 403);
    let done = alice.browser.at_forge(page, "alice", "approve").await;
    assert!(done.body.contains("It may do more now"), "it was not used up: {}", done.body);
}

/// A form that is not the page's own, from the person's browser.
macro_rules! forged {
    ($($name:ident: $fields:expr, $headers:expr, $status:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, alice, link) = begin().await;
            let page = alice.browser.open(&link).await;
            let mut fields = vec![("decision", "allow")];
            fields.extend_from_slice(&$fields);
            let next = alice.browser.send(&page, &fields, &$headers).await;
            assert_eq!(next.status, $status, "{}", next.body);
            assert_not_added(&site, &alice).await;
            assert!(asks(&alice.browser.open(&link).await), "it is not used up");
        }
    )*};
}

forged! {
    a_form_without_its_token: [("csrf", "")], [], 403;
    a_form_with_a_guessed_token: [("csrf", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")], [], 403;
    a_form_without_a_decision: [("decision", "")], [], 400;
    a_form_with_an_odd_decision: [("decision", "yes")], [], 400;
    a_form_of_another_site: [], [("sec-fetch-site", "cross-site")], 403;
    a_form_with_a_foreign_origin: [], [("origin", "https://evil.example")], 403;
}

#[tokio::test]
async fn a_page_in_a_frame() {
    let (_site, alice, link) = begin().await;
    let page = alice.browser.open(&link).await;
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_name_with_markup_is_text() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("<b onclick=x>Codex", "alice").await;
    let page = alice.browser.open(&site.link(&alice.token).await).await;
    assert!(asks(&page) && !page.body.contains("<b onclick"), "{}", page.body);
}

#[tokio::test]
async fn scopes_that_the_provider_does_not_have_are_challenged() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    for _ in 0..3 {
        let refused = site.call(&alice.token, "list_orders", json!({})).await;
        assert_eq!(refused.status(), 403, "no page of this server adds it");
    }
}

#[tokio::test]
async fn what_one_sign_in_stores_is_bounded() {
    let (site, alice, link) = begin().await;
    // Each is a link of its own, and the oldest ones go.
    let delete = json!({ "owner": "alice", "repo": "compass" });
    for _ in 0..8 {
        site.advance(Duration::from_secs(1));
        let answer = site.call(&alice.token, "delete_repository", delete.clone()).await;
        assert!(text_of(&answer.json().await.unwrap()).contains("/oauth/step-up/"));
        site.link(&alice.token).await;
    }
    assert!(asks(&alice.browser.open(&link).await), "two kinds of call, two links");
}

#[tokio::test]
async fn a_token_of_another_server_finds_no_sign_in() {
    let (site, _alice, _) = begin().await;
    let other = Site::start(StepUp::Link).await;
    let host = Application::register_at(&other.url).await;
    let token = host.sign_in(&Browser::new(), "repo:read", "alice").await.text("access_token");
    assert_eq!(site.call(&token, "open_issue", titled()).await.status(), 401);
}
