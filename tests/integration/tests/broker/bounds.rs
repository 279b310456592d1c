//! What one party can make the broker keep and do has an end.

use std::time::Duration;

use integration::broker::{Application, Browser, Site};
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
        assert!(tried < 2000, "without end");
    };
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.error(), Some("temporarily_unavailable"));
    assert_eq!(host.refresh("tgr_guess").await.status, 429, "at both endpoints");
    assert_eq!(host.revoke("tgr_guess").await.status, 429, "at both endpoints");
    assert!(tried >= 600, "a host in the cloud comes for all of its users: {tried}");
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(host.refresh("tgr_guess").await.status, 400, "it passes");
}
