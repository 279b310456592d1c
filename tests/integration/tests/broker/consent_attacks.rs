//! Attacks on our consent page, and on what is remembered of it.

use std::time::Duration;

use integration::{
    broker::{Application, Browser, Page, Site},
    deployment, wire,
};
use serde_json::json;

async fn begin() -> (Site, Application, Browser, Page) {
    let site = Site::start().await;
    let application = Application::register(&site).await;
    let browser = Browser::new();
    let page = browser.open(&application.link("repo:read", &[])).await;
    assert!(page.is_consent(), "{}", page.body);
    (site, application, browser, page)
}

fn assert_not_sent(site: &Site, page: &Page, status: u16) {
    assert_eq!(page.status, status, "{}", page.body);
    assert!(!page.is_application && page.visited.len() == 1, "{:?}", page.visited);
    assert!(site.forge.counts().last_asked.is_empty(), "the provider was not reached");
}

/// Each holds a connection until the server gives its body up.
#[tokio::test]
async fn forms_of_one_address_whose_bodies_never_come() {
    if deployment::replicas().is_some() {
        eprintln!("skipped: nginx reads a form before it passes it on");
        return;
    }
    let (site, _, browser, page) = begin().await;
    let (first, _forms) = wire::forms_without_end(&page.action()).await;
    let refused = first.expect("a refusal, before the body came");
    assert_eq!(refused.status, 429, "{}", refused.body);
    let next = browser.decide(&page, "allow").await;
    assert!(next.url.as_str().starts_with(site.forge.url()), "a person: {}", next.body);
}

/// A busy office, which is one address.
#[tokio::test]
async fn a_person_who_sends_the_form_again_and_again_is_not_refused() {
    let (_site, _, browser, page) = begin().await;
    for _ in 0..60 {
        let next = browser.send(&page, &[("csrf", GUESS), ("decision", "allow")], &[]).await;
        assert_eq!(next.status, 403, "{}", next.body);
    }
}

#[tokio::test]
async fn a_page_in_a_frame() {
    let (_site, _, _, page) = begin().await;
    let policy = page.header("content-security-policy");
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(!page.body.contains("<script"), "no script");
}

#[tokio::test]
async fn a_cookie_that_scripts_or_other_sites_can_use() {
    let (_site, _, _, page) = begin().await;
    let cookie = page.header("set-cookie");
    for attribute in ["Path=/;", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.to_lowercase().contains("domain"), "{cookie}");
}

const GUESS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A form that is not the page's own, from the person's browser.
macro_rules! forged {
    ($($name:ident: $fields:expr, $headers:expr, $status:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, _, browser, page) = begin().await;
            let mut fields = vec![("decision", "allow")];
            fields.extend_from_slice(&$fields);
            let next = browser.send(&page, &fields, &$headers).await;
            assert_not_sent(&site, &next, $status);
            // And it has used nothing up.
            let next = browser.decide(&page, "allow").await;
            assert!(next.url.as_str().starts_with(site.forge.url()), "{}", next.url);
        }
    )*};
}

forged! {
    a_form_without_its_token: [("csrf", "")], [], 400;
    a_form_with_a_guessed_token: [("csrf", GUESS)], [], 403;
    a_form_for_another_request: [("request", GUESS)], [], 403;
    a_form_without_a_request: [("request", "")], [], 400;
    a_form_without_a_decision: [("decision", "")], [], 400;
    a_form_with_an_odd_decision: [("decision", "yes")], [], 400;
    a_form_of_another_site: [], [("sec-fetch-site", "cross-site")], 403;
    a_form_of_a_subdomain: [], [("sec-fetch-site", "same-site")], 403;
    a_form_with_a_foreign_origin: [], [("origin", "https://evil.example")], 403;
}

#[tokio::test]
async fn a_form_from_a_browser_that_keeps_no_cookies() {
    let (site, _, _, page) = begin().await;
    let next = Browser::new().send(&page, &[("decision", "allow")], &[]).await;
    assert_not_sent(&site, &next, 403);
}

#[tokio::test]
async fn an_attackers_form_in_the_victims_browser() {
    let (site, application, _, attackers) = begin().await;
    let victim = Browser::new();
    victim.open(&application.link("repo:read", &[])).await;
    let next = victim.send(&attackers, &[("decision", "allow")], &[]).await;
    assert_not_sent(&site, &next, 403);
}

#[tokio::test]
async fn a_token_made_for_the_victims_request_with_the_attackers_cookie() {
    use aws_lc_rs::hmac;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let (site, application, _, victims) = begin().await;
    let attacker = Browser::new();
    let own = attacker.open(&application.link("repo:read", &[])).await;
    let cookie = own.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes());
    let token = |page: &Page| {
        let message = format!("consent {}", page.form()["request"]);
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()))
    };
    assert_eq!(token(&own), own.form()["csrf"], "this is how it is made");
    let made = token(&victims);
    let next = attacker.send(&victims, &[("csrf", &made), ("decision", "allow")], &[]).await;
    assert_not_sent(&site, &next, 403);
}

#[tokio::test]
async fn the_token_of_one_page_on_another() {
    let (site, application, browser, first) = begin().await;
    let second = browser.open(&application.link("repo:delete", &[])).await;
    let csrf = first.form()["csrf"].clone();
    let next = browser.send(&second, &[("csrf", &csrf), ("decision", "allow")], &[]).await;
    assert_not_sent(&site, &next, 403);
}

#[tokio::test]
async fn a_form_sent_twice() {
    let (_site, _, browser, page) = begin().await;
    browser.decide(&page, "allow").await;
    let again = browser.decide(&page, "allow").await;
    assert_eq!(again.status, 410, "{}", again.body);
    assert_eq!(again.visited.len(), 1);
}

#[tokio::test]
async fn a_page_that_lay_open_too_long() {
    let (site, _, browser, page) = begin().await;
    site.advance(Duration::from_secs(601));
    let next = browser.decide(&page, "allow").await;
    assert_not_sent(&site, &next, 410);
}

#[tokio::test]
async fn consent_by_a_link() {
    let (site, _, _, page) = begin().await;
    let form = page.form();
    let link = format!(
        "{}?request={}&csrf={}&decision=allow",
        page.action(),
        form["request"],
        form["csrf"]
    );
    let next = Browser::new().open(&link).await;
    assert_not_sent(&site, &next, 405);
}

#[tokio::test]
async fn consent_in_json() {
    let (site, _, _, page) = begin().await;
    let sent = reqwest::Client::new()
        .post(page.action())
        .json(&json!({ "request": page.form()["request"], "decision": "allow" }))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 400);
    assert!(site.forge.counts().last_asked.is_empty());
}

#[tokio::test]
async fn who_denies_is_not_asked_at_the_provider() {
    let (site, application, browser, page) = begin().await;
    let page = browser.decide(&page, "deny").await;
    let answer = page.answer();
    assert_eq!(answer.get("error"), Some("access_denied"));
    assert_eq!(answer.get("state"), Some("the-state"));
    assert_eq!(answer.get("iss"), Some(site.url.as_str()));
    assert!(application.expects(&page.url));
    assert!(site.forge.counts().last_asked.is_empty());
}

#[tokio::test]
async fn a_name_with_markup_in_it() {
    let site = Site::start().await;
    let name = "<script>alert(1)</script><b>Bank</b>\u{202e}\u{200b}";
    let evil = Application::register_with(&site, json!({ "client_name": name })).await;
    let page = Browser::new().open(&evil.link("repo:read", &[])).await;
    assert!(page.is_consent());
    assert!(!page.body.contains("<script") && !page.body.contains("<b>"), "{}", page.body);
    assert!(!page.body.contains(['\u{202e}', '\u{200b}']), "{}", page.body);
}

#[tokio::test]
async fn the_page_says_where_the_answer_goes() {
    let site = Site::start().await;
    for (redirect, words, warns) in [
        ("https://evil.example/callback", "To the site <strong>evil.example</strong>", false),
        ("http://localhost:1/app/cb", "To a program on this computer", true),
        ("com.example.app:/callback", "com.example.app:", true),
    ] {
        let metadata = json!({ "client_name": "Claude", "redirect_uris": [redirect] });
        let application = Application::register_with(&site, metadata).await;
        let page = Browser::new().open(&application.link("repo:delete", &[])).await;
        assert!(page.body.contains(words), "{}", page.body);
        assert!(page.body.contains("Delete your repositories"), "each scope in words");
        assert!(page.body.contains("not verified"), "{}", page.body);
        assert_eq!(page.body.contains("Any program on your computer"), warns, "{redirect}");
    }
}

/// Consent that alice gave to one application in one browser, and who tries to use it.
async fn remembered(redirect: &str) -> (Site, Application, Browser) {
    let site = Site::start().await;
    let metadata = json!({ "redirect_uris": [redirect, "https://app.example/second"] });
    let application = Application::register_with(&site, metadata).await;
    let browser = Browser::new();
    application.sign_in(&browser, "repo:read", "alice").await;
    (site, application, browser)
}

const WEB: &str = "https://app.example/callback";
const NATIVE: &str = "http://127.0.0.1:7777/app/callback";

#[tokio::test]
async fn who_has_agreed_is_not_asked_again() {
    for redirect in [WEB, NATIVE] {
        let (_site, application, browser) = remembered(redirect).await;
        let page = browser.open(&application.link("repo:read", &[])).await;
        assert!(!page.is_consent(), "{redirect}: {}", page.body);
        let page = browser.at_forge(page, "alice", "approve").await;
        application.redeem(page.answer().code()).await.text("access_token");
    }
}

#[tokio::test]
async fn another_client_rides_on_the_consent() {
    let (site, _, browser) = remembered(WEB).await;
    let metadata = json!({ "redirect_uris": [WEB] });
    let evil = Application::register_with(&site, metadata).await;
    let page = browser.open(&evil.link("repo:read", &[])).await;
    assert!(page.is_consent(), "each client is allowed by itself: {:?}", page.visited);
}

#[tokio::test]
async fn the_same_client_asks_for_more() {
    let (_site, application, browser) = remembered(WEB).await;
    let page = browser.open(&application.link("repo:read repo:delete", &[])).await;
    assert!(page.is_consent(), "{:?}", page.visited);
}

#[tokio::test]
async fn the_same_client_wants_the_answer_elsewhere() {
    let (_site, application, browser) = remembered(WEB).await;
    let elsewhere = [("redirect_uri", "https://app.example/second")];
    let page = browser.open(&application.link("repo:read", &elsewhere)).await;
    assert!(page.is_consent(), "{:?}", page.visited);
}

#[tokio::test]
async fn a_program_imitates_the_client_in_another_browser() {
    for (redirect, is_asked) in [(NATIVE, true), (WEB, false)] {
        let (site, application, _) = remembered(redirect).await;
        // Alice has signed in here as well, with something else.
        let elsewhere = Browser::new();
        Application::register(&site).await.sign_in(&elsewhere, "repo:read", "alice").await;
        let page = elsewhere.open(&application.link("repo:read", &[])).await;
        assert_eq!(page.is_consent(), is_asked, "{redirect}: {:?}", page.visited);
    }
}

#[tokio::test]
async fn another_user_signs_in_on_the_consent_of_the_first() {
    let (site, application, browser) = remembered(WEB).await;
    // Alice's browser is at the provider; bob, who sits at it, signs in there as himself.
    site.forge.revoke_grants_of("alice");
    let page = browser.open(&application.link("repo:read", &[])).await;
    assert!(!page.is_consent(), "{}", page.body);
    let form = page.form();
    let login = json!({ "request": form["request"], "user": "bob", "password": "bob-password" });
    let at = format!("{}/login", site.forge.url());
    let login: Vec<(&str, &str)> =
        login.as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
    let page = Page { body: format!("<form action=\"{at}\">"), ..page };
    let page = browser.send(&page, &login, &[]).await;
    let page = browser.at_forge(page, "bob", "approve").await;
    assert!(page.is_consent(), "bob never agreed: {:?}", page.visited);
    assert!(page.body.contains("another account"), "{}", page.body);
    let page = browser.decide(&page, "allow").await;
    let page = browser.at_forge(page, "bob", "approve").await;
    let tokens = application.redeem(page.answer().code()).await;
    assert_eq!(tokens.claims()["sub"], "forge:bob");
}

#[tokio::test]
async fn consent_outlives_a_disconnect() {
    let (site, application, browser) = remembered(WEB).await;
    site.advance(Duration::from_secs(1));
    site.broker.disconnect("forge:alice").await.unwrap();
    let page = browser.open(&application.link("repo:read", &[])).await;
    assert!(page.is_consent(), "{:?}", page.visited);
    // Nor when alice is back for something else.
    Application::register(&site).await.sign_in(&browser, "repo:read", "alice").await;
    let page = browser.open(&application.link("repo:read", &[])).await;
    assert!(page.is_consent(), "{:?}", page.visited);
}

#[tokio::test]
async fn who_asks_for_the_page_gets_it() {
    let (_site, application, browser) = remembered(WEB).await;
    let page = browser.open(&application.link("repo:read", &[("prompt", "consent")])).await;
    assert!(page.is_consent(), "{:?}", page.visited);
}
