//! What one party can make the broker keep and do has an end.

use std::time::Duration;

use integration::{
    broker::{Application, Browser, Site},
    deployment,
};
use toolgate::grant::Namespace;

const SIGN_INS: Namespace = Namespace::new("broker-sign-in", 100_000);

#[tokio::test]
async fn a_sign_in_that_is_over_is_forgotten_within_the_hour() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "repo:read", "alice").await;
    let token = tokens.text("refresh_token");
    let id = token.strip_prefix("tgr_").and_then(|token| token.split('.').next()).unwrap();
    let is_kept = async || site.records().read(SIGN_INS, id).await.unwrap().is_some();
    site.clock.advance(Duration::from_secs(2 * 3600));
    assert!(is_kept().await, "a signed-in user stays signed in");
    assert_eq!(host.revoke(&token).await.status, 200);
    assert!(is_kept().await, "that it is over is known");
    site.clock.advance(Duration::from_secs(3601));
    assert!(!is_kept().await);
    assert_eq!(host.refresh(&token).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn one_address_does_not_try_tokens_without_end() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let mut tried = 0;
    let refused = loop {
        let answer = match tried % 2 {
            0 => host.refresh("tgr_guess").await,
            _ => host.revoke("tgr_guess").await,
        };
        if answer.status != 400 && answer.status != 200 {
            break answer;
        }
        tried += 1;
        assert!(tried < 2000 * deployment::counters(), "without end");
    };
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.error(), Some("temporarily_unavailable"));
    assert_eq!(host.refresh("tgr_guess").await.status, 429, "at both endpoints");
    assert_eq!(host.revoke("tgr_guess").await.status, 429, "at both endpoints");
    assert!(tried >= 600, "a host in the cloud comes for all of its users: {tried}");
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(host.refresh("tgr_guess").await.status, 400, "it passes");
}

/// A person signs in as often as the limits allow, and takes no more room than anyone else.
#[tokio::test]
async fn one_person_takes_bounded_room() {
    let (site, store) = Site::counted(|builder| builder).await;
    let host = Application::register(&site).await;
    let browser = Browser::new();
    for _ in 0..20 {
        host.sign_in(&browser, "repo:read", "alice").await;
        site.clock.advance(Duration::from_secs(2));
    }
    assert!(store.records_of("broker-session") <= 2, "{}", store.records_of("broker-session"));
    assert_eq!(store.records_of("broker-consent"), 1);
    for _ in 0..70 {
        let host = Application::register(&site).await;
        host.sign_in(&Browser::new(), "repo:read", "alice").await;
        site.clock.advance(Duration::from_secs(2));
    }
    for (namespace, most) in
        [("broker-session", 32), ("broker-consent", 64), ("broker-sign-in", 64 + 64)]
    {
        let found = store.records_of(namespace);
        assert!(found <= most, "{namespace}: {found}");
    }
    // The newest are the ones that stay.
    assert!(!browser_of_alice_is_asked(&site).await);
}

/// Whether a browser in which alice has just signed in is asked again.
async fn browser_of_alice_is_asked(site: &Site) -> bool {
    let (host, browser) = (Application::register(site).await, Browser::new());
    host.sign_in(&browser, "repo:read", "alice").await;
    browser.open(&host.link("repo:read", &[])).await.is_consent()
}

/// What makes a sign-in comfortable is not what makes it possible.
#[tokio::test]
async fn people_sign_in_although_no_session_and_no_consent_fits() {
    let (site, store) = Site::counted(|builder| builder).await;
    let host = Application::register(&site).await;
    let browser = Browser::new();
    host.sign_in(&browser, "repo:read", "alice").await;
    store.fill("broker-session");
    store.fill("broker-consent");
    host.sign_in(&browser, "repo:read", "alice").await;
    host.sign_in(&Browser::new(), "repo:read", "bob").await;
}

#[tokio::test]
async fn a_disconnect_leaves_no_record_behind() {
    let (site, store) = Site::counted(|builder| builder).await;
    let host = Application::register(&site).await;
    host.sign_in(&Browser::new(), "repo:read", "alice").await;
    site.clock.advance(Duration::from_secs(1));
    site.broker.disconnect("forge:alice").await.unwrap();
    for namespace in ["broker-session", "broker-consent"] {
        assert_eq!(store.records_of(namespace), 0, "{namespace}");
    }
}
