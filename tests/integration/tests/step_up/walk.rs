//! The walk of a host and its user, and how a host is answered.

use std::time::Duration;

use forge::Config;
use integration::{
    client::{link_in, text_of},
    deployment,
};
use serde_json::{Value, json};
use toolgate::gate::{Gate, StepUp};

use super::{Site, asks, is_opened, titled};

#[tokio::test]
async fn the_same_call_with_the_same_token_succeeds_after_the_link() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let answer = site.open_issue(&alice.token).await;
    let text = text_of(&answer);
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    for words in ["repo:write (Change your repositories)", "call `open_issue` again"] {
        assert!(text.contains(words), "`{words}` in {text}");
    }
    let challenge = answer["result"]["_meta"]["mcp/www_authenticate"][0].as_str().unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    let link = link_in(&text);
    assert_eq!(site.link(&alice.token).await, link, "a repeated call gets the same link");

    let page = alice.browser.open(&link).await;
    assert!(asks(&page), "{}", page.body);
    for words in ["Codex asks for more", "not verified", "Change your repositories", "repo:write"] {
        assert!(page.body.contains(words), "`{words}` in {}", page.body);
    }
    assert!(!page.body.contains("Read your repositories"), "the missing scopes alone");
    let done = alice.allow(&link, "alice").await;
    assert!(done.body.contains("It may do more now"), "{}: {}", done.url, done.body);
    assert_eq!(site.forge.counts().last_asked, "repo:write", "which implies what it had");
    assert!(is_opened(&site.open_issue(&alice.token).await), "the same call, the same token");
    let listed = site.call(&alice.token, "list_issues", titled_without_title()).await;
    assert!(text_of(&listed.json().await.unwrap()).contains("It spins"));
    let more = site.call(&alice.token, "delete_repository", titled_without_title()).await;
    let more = text_of(&more.json().await.unwrap());
    assert!(more.contains("repo:delete") && !more.contains("repo:write"), "{more}");
}

fn titled_without_title() -> Value {
    json!({ "owner": "alice", "repo": "compass" })
}

#[tokio::test]
async fn a_refresh_keeps_what_was_added() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    alice.allow(&site.link(&alice.token).await, "alice").await;
    let refreshed = alice.host.refresh(&alice.refresh).await;
    assert_eq!(refreshed.text("scope"), "repo:read repo:write");
    assert!(is_opened(&site.open_issue(&refreshed.text("access_token")).await));

    // Many hosts repeat the scopes that they began with.
    let refresh = refreshed.text("refresh_token");
    let same = alice.host.refresh_with(&refresh, &[("scope", "repo:read")]).await;
    assert_eq!(same.text("scope"), "repo:read");
    assert!(is_opened(&site.open_issue(&same.text("access_token")).await));
}

#[tokio::test]
async fn a_token_with_fewer_scopes_than_its_sign_in_gets_no_more() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let host = &alice.host;
    let both = host.sign_in(&alice.browser, "repo:read repo:delete", "alice").await;
    alice.allow(&site.link(&both.text("access_token")).await, "alice").await;
    let less = host.refresh_with(&both.text("refresh_token"), &[("scope", "repo:read")]).await;
    let refused = site.call(&less.text("access_token"), "open_issue", titled()).await;
    assert_eq!(refused.status(), 403, "the host made it for something that may do less");
}

#[tokio::test]
async fn a_host_is_challenged_at_first_and_gets_a_link_when_it_repeats_the_call() {
    let site = Site::start(StepUp::Auto).await;
    let alice = site.sign_in("Test Host", "alice").await;
    let challenged = site.call(&alice.token, "open_issue", titled()).await;
    assert_eq!(challenged.status(), 403);
    assert!(challenged.headers().contains_key("www-authenticate"));
    let other = json!({ "owner": "alice", "repo": "compass", "title": "It sticks" });
    let other = site.call(&alice.token, "open_issue", other).await;
    assert_eq!(other.status(), 403, "another call, which may have been sent at the same time");
    let link = site.link(&alice.token).await;
    let deletes = site.call(&alice.token, "delete_repository", titled_without_title()).await;
    assert_eq!(deletes.status(), 200, "the host is known by now");

    let again = alice.host.sign_in(&alice.browser, "repo:read", "alice").await;
    let again = site.call(&again.text("access_token"), "open_issue", titled()).await;
    assert_eq!(again.status(), 403, "another sign-in may be another version of the host");
    alice.allow(&link, "alice").await;
    assert!(is_opened(&site.open_issue(&alice.token).await));
}

#[tokio::test]
async fn a_host_that_ignores_challenges_gets_a_link_at_once() {
    let site = Site::start(StepUp::Auto).await;
    for name in ["Codex", "OpenCode", "mcporter (tools)"] {
        let alice = site.sign_in(name, "alice").await;
        assert!(site.link(&alice.token).await.contains("/oauth/step-up/"));
    }
}

#[tokio::test]
async fn a_server_may_always_challenge() {
    let site = Site::start(StepUp::Challenge).await;
    let alice = site.sign_in("Codex", "alice").await;
    for _ in 0..5 {
        let refused = site.call(&alice.token, "open_issue", titled()).await;
        assert_eq!(refused.status(), 403);
    }
}

#[tokio::test]
async fn what_the_provider_granted_before_is_not_asked_for_there_again() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let other = site.sign_in("Other", "alice").await;
    other.host.sign_in(&other.browser, "repo:read repo:write", "alice").await;
    let codes = site.forge.counts().codes;
    let done = alice.allow(&site.link(&alice.token).await, "alice").await;
    assert!(done.body.contains("It may do more now"), "{}", done.body);
    assert_eq!(site.forge.counts().codes, codes, "our page alone");
    assert!(is_opened(&site.open_issue(&alice.token).await));
}

#[tokio::test]
async fn a_person_who_refuses_is_not_asked_again_by_the_same_call() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    let link = site.link(&alice.token).await;
    let page = alice.browser.open(&link).await;
    let page = alice.decide(&page, "deny").await;
    assert!(page.body.contains("Nothing was changed"), "{}", page.body);
    let told = text_of(&site.open_issue(&alice.token).await);
    assert!(told.contains("the user was asked for `repo:write` and refused"), "{told}");
    assert!(!told.contains("http"), "{told}");
    assert_eq!(alice.browser.open(&link).await.status, 410);
    assert_ne!(site.link(&alice.token).await, link, "a later call may ask again");

    // At the provider as well.
    let page = alice.browser.open(&site.link(&alice.token).await).await;
    let page = alice.decide(&page, "allow").await;
    let page = alice.browser.at_forge(page, "alice", "deny").await;
    assert!(page.body.contains("Nothing was added"), "{}: {}", page.url, page.body);
    let told = text_of(&site.open_issue(&alice.token).await);
    assert!(told.contains("refused"), "{told}");
}

#[tokio::test]
async fn a_provider_that_withholds_it_is_named() {
    let site = Site::with(
        Config::default().withhold("repo:write"),
        Gate::for_broker().step_up(StepUp::Link),
    )
    .await;
    let alice = site.sign_in("Codex", "alice").await;
    let page = alice.allow(&site.link(&alice.token).await, "alice").await;
    assert!(page.body.contains("did not grant it"), "{}: {}", page.url, page.body);
    let told = text_of(&site.open_issue(&alice.token).await);
    assert!(told.contains("Forge was asked for `repo:write` and withheld it"), "{told}");
}

#[tokio::test]
async fn the_limits_of_the_gate_hold_at_each_replica() {
    let gate = Gate::for_broker().step_up(StepUp::Link).rate_limit_per_subject(3);
    let site = Site::with(Config::default(), gate).await;
    let alice = site.sign_in("Codex", "alice").await;
    for _ in 0..3 * deployment::counters() {
        site.link(&alice.token).await;
    }
    let refused = site.call(&alice.token, "open_issue", titled()).await;
    assert_eq!(refused.status(), 429);
}

#[tokio::test]
async fn a_list_of_what_the_caller_may_call_grows() {
    let gate = Gate::for_broker().step_up(StepUp::Link).hide_unauthorized_tools(true);
    let site = Site::with(Config::default(), gate).await;
    let alice = site.sign_in("Codex", "alice").await;
    let list = async || {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        site.post(&alice.token, "tools/list", &body).send().await.unwrap().text().await.unwrap()
    };
    assert!(!list().await.contains("open_issue"));
    alice.allow(&site.link(&alice.token).await, "alice").await;
    assert!(list().await.contains("open_issue"));
}

#[tokio::test]
async fn what_was_added_ends_with_the_sign_in() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    alice.allow(&site.link(&alice.token).await, "alice").await;
    assert!(is_opened(&site.open_issue(&alice.token).await));
    assert_eq!(alice.host.revoke(&alice.refresh).await.status, 200);
    let refused = site.call(&alice.token, "open_issue", titled()).await;
    assert_eq!(refused.status(), 403, "at once, although the access token is still valid");
}

#[tokio::test]
async fn an_access_token_that_expires_does_not_end_what_was_added() {
    let site = Site::start(StepUp::Link).await;
    let alice = site.sign_in("Codex", "alice").await;
    alice.allow(&site.link(&alice.token).await, "alice").await;
    site.advance(Duration::from_secs(3600));
    let expired = site.call(&alice.token, "open_issue", titled()).await;
    assert_eq!(expired.status(), 401);
    let refreshed = alice.host.refresh(&alice.refresh).await;
    assert!(is_opened(&site.open_issue(&refreshed.text("access_token")).await));
}
