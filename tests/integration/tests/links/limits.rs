//! Limits of sign-ins, by address and by person.

use axum::http::StatusCode;
use integration::{deployment, wire};

use super::{Linked, assert_ends};

#[tokio::test]
async fn a_flood_of_sign_ins_is_limited_and_does_not_lock_others_out() {
    let server = Linked::start().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let begin = async |peer: &str| {
        let request = http.get(format!("{}/sign-in", server.url)).header("x-peer", peer);
        request.send().await.unwrap()
    };
    let mut refused = None;
    let replicas = deployment::counters();
    for n in 0..200 * replicas {
        let answer = begin("192.0.2.1").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((n, answer));
            break;
        }
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    let (after, answer) = refused.expect("a 429 before the 200th request");
    assert!(after >= 10, "a person who tries again is not refused: {after}");
    let retry_after = answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    assert_eq!(begin("192.0.2.2").await.status(), StatusCode::SEE_OTHER, "another address");
    let fetches = server.login.0.lock().unwrap().metadata_fetches;
    assert!((1..=replicas).contains(&fetches.try_into().unwrap()), "once at each: {fetches}");
}

#[tokio::test]
async fn one_person_cannot_fill_the_store_by_opening_a_link_again_and_again() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    browser.open(&link).await;
    let page = browser.open(&link).await;
    assert!(page.url.path() == "/oauth/authorize", "{}", page.url);
    let mut refused = None;
    for n in 0..200 * deployment::counters() {
        let page = browser.open(&link).await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
        assert!(page.url.path() == "/oauth/authorize", "{n}: {}", page.url);
    }
    assert_ends(&refused.expect("a 429 before the 200th"), 429, "Too many");
    // Another person, who has another address or none that is known, goes on.
    let link = server.link("bob").await;
    let request = reqwest::Client::new().get(&link).header("x-peer", "192.0.2.9");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "Sign in first");
}

/// Each holds a connection until the server gives its body up.
#[tokio::test]
async fn forms_without_end_of_one_address_are_refused_and_do_not_lock_others_out() {
    if deployment::replicas().is_some() {
        eprintln!("skipped: nginx reads a form before it passes it on");
        return;
    }
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    browser.at_forge(browser.open(&link).await, "alice", "approve").await;
    let page = browser.open(&format!("{}/accounts", server.url)).await;
    let (first, _forms) = wire::forms_without_end(&page.action()).await;
    let refused = first.expect("a refusal, before the body came");
    assert_eq!(refused.status, 429, "{}", refused.body);
    let done = browser.send(&page, &[], &[]).await;
    assert_ends(&done, 200, "Forge has revoked the access");
}
