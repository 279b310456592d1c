//! What goes wrong upstream: tokens that expire, refreshes that fail, grants that are revoked.

use std::time::Duration;

use forge::{Config, person::Person};
use futures::future::join_all;
use integration::{
    client::{link_in, post_call, text_of},
    host::Host,
};
use serde_json::Value;

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":3}"#;

/// A server whose user alice has connected forge.
async fn connected(config: Config) -> Host {
    let host = Host::start(config).await;
    connect(&host).await;
    host
}

async fn connect(host: &Host) {
    let answer = post_call(&host.mcp(), "list_issues", ISSUES).await;
    let page = Person::new("alice").approve(&link_in(&text_of(&answer))).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
}

async fn list(host: &Host) -> Value {
    post_call(&host.mcp(), "list_issues", ISSUES).await
}

fn is_done(answer: &Value) -> bool {
    answer["result"]["isError"] == false
}

#[tokio::test]
async fn a_hundred_calls_with_an_expired_token_make_one_refresh() {
    let host = connected(Config::default().access_ttl(Duration::from_secs(600))).await;
    host.advance(Duration::from_secs(601));
    let held = host.forge.faults().hold_token();
    let calls = (0..100).map(|_| list(&host));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        // All of them wait for the one answer that is held back.
        held.reached(1).await;
        drop(held);
    });
    assert_eq!(answers.iter().filter(|answer| is_done(answer)).count(), 100);
    assert_eq!(host.forge.counts().refreshes, 1);
    assert_eq!(host.forge.counts().refreshes_refused, 0);
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_renewed_once_and_the_call_is_served() {
    let host = connected(Config::default()).await;
    host.forge.expire_access_tokens();
    assert!(is_done(&list(&host).await));
    assert_eq!(host.forge.counts().refreshes, 1);
    assert!(is_done(&list(&host).await));
    assert_eq!(host.forge.counts().refreshes, 1);
}

#[tokio::test]
async fn a_provider_that_does_not_say_when_tokens_expire_is_asked_after_a_401() {
    let host =
        connected(Config::default().without_expiry().access_ttl(Duration::from_secs(600))).await;
    host.advance(Duration::from_secs(7200));
    assert!(is_done(&list(&host).await));
    assert_eq!(host.forge.counts().refreshes, 1);
}

#[tokio::test]
async fn a_refresh_token_that_is_not_rotated_stays() {
    let config = Config::default().without_rotation().access_ttl(Duration::from_secs(600));
    let host = connected(config).await;
    for _ in 0..3 {
        host.advance(Duration::from_secs(601));
        assert!(is_done(&list(&host).await));
    }
    assert_eq!(host.forge.counts().refreshes, 3);
}

#[tokio::test]
async fn a_grant_that_was_revoked_is_asked_for_again_and_nobody_retries_for_ever() {
    let host = connected(Config::default()).await;
    host.forge.revoke_grants_of("alice");
    let before = host.forge.counts();
    let answer = list(&host).await;
    let text = text_of(&answer);
    assert!(text.contains("Forge has to be connected again"), "{text}");
    assert!(text.contains("revoked"), "{text}");
    let after = host.forge.counts();
    assert_eq!(after.refreshes_refused - before.refreshes_refused, 1);

    list(&host).await;
    assert_eq!(
        host.forge.counts().refreshes_refused,
        after.refreshes_refused,
        "a dead grant is left alone"
    );
    connect(&host).await;
    assert!(is_done(&list(&host).await));
}

#[tokio::test]
async fn a_provider_that_is_down_does_not_cost_the_grant() {
    let host = connected(Config::default().access_ttl(Duration::from_secs(600))).await;
    host.advance(Duration::from_secs(601));
    host.forge.faults().token_status(1, 500);
    let text = text_of(&list(&host).await);
    assert!(text.contains("call again later"), "{text}");
    host.advance(Duration::from_secs(31));
    assert!(is_done(&list(&host).await), "the grant is still there");
}

#[tokio::test]
async fn refusals_of_the_api_are_said_in_words_that_help() {
    let host = connected(Config::default()).await;
    let faults = host.forge.faults();
    for (status, retry_after, expected) in
        [(429, Some(7), "Call again in 7 seconds"), (500, None, "(500)"), (409, None, "(409)")]
    {
        faults.api_status(1, status, retry_after);
        let text = text_of(&list(&host).await);
        assert!(text.contains(expected), "{status}: {text}");
        assert!(text.contains("Forge"), "{status}: {text}");
    }
    let secret = post_call(&host.mcp(), "list_issues", r#"{"owner":"bob","repo":"vault"}"#).await;
    assert!(text_of(&secret).contains("nothing that this user may see"), "{secret}");
}

#[tokio::test]
async fn a_value_stays_one_segment_of_the_path() {
    let host = connected(Config::default()).await;
    for (segment, expected) in [
        ("a/b", "/echo/a/a%2Fb/b"),
        ("../../user", "/echo/a/..%2F..%2Fuser/b"),
        ("a?x=1#y", "/echo/a/a%3Fx%3D1%23y/b"),
        ("%2e%2e", "/echo/a/%252e%252e/b"),
        (" ", "/echo/a/%20/b"),
    ] {
        let arguments = serde_json::json!({ "segment": segment }).to_string();
        let answer = post_call(&host.mcp(), "echo", &arguments).await;
        assert_eq!(text_of(&answer), expected);
    }
    for segment in ["", ".", ".."] {
        let arguments = serde_json::json!({ "segment": segment }).to_string();
        let answer = post_call(&host.mcp(), "echo", &arguments).await;
        assert_eq!(answer["result"]["isError"], true, "{segment:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_get_the_token() {
    let host = connected(Config::default()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/", listener.local_addr().unwrap());
    let arguments = serde_json::json!({ "to": elsewhere }).to_string();
    let text = text_of(&post_call(&host.mcp(), "follow", &arguments).await);
    assert!(text.contains("not sent"), "{text}");
    let knocked = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(knocked.is_err(), "nobody came");
}
