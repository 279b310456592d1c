//! No secret and no argument is in an event, whatever happens.

use std::time::Duration;

use forge::{Config, person::Person};
use integration::{
    broker::{Application, Browser},
    client::{link_in, post_call, text_of},
    host::Host,
    recorder::Recorder,
};
use serde_json::json;

use super::brokered::Site;

/// A text that is an argument, part of an argument's name, and in the path of a request.
const ARGUMENT: &str = "argument-4e1f";

/// The shapes of secrets: the claims of JWTs, codes and tokens of the broker and of forge.
const SHAPES: [&str; 5] = [".eyJ", "tgc_", "tgr_", "code_verifier", "Bearer "];

fn assert_none(recorder: &Recorder, secrets: &[&str]) {
    let text = recorder.text();
    assert!(recorder.events().len() > 5, "there are events");
    for secret in secrets.iter().chain(&SHAPES) {
        assert!(!secret.is_empty());
        for event in recorder.events() {
            assert!(!event.to_string().contains(secret), "`{secret}` is in {event}");
        }
        assert!(!text.contains(secret), "`{secret}`");
    }
}

#[tokio::test]
async fn a_consent_and_its_refreshes_leave_no_secret() {
    let recorder = Recorder::default();
    let config = Config::default().access_ttl(Duration::from_secs(600));
    let host = Host::observed(config, &recorder).await;
    let arguments = json!({ "owner": "alice", "repo": ARGUMENT }).to_string();
    let link = link_in(&text_of(&post_call(&host.mcp(), "list_issues", &arguments).await));
    let page = Person::new("alice").approve(&link).await.unwrap();
    host.advance(Duration::from_secs(601));
    post_call(&host.mcp(), "list_issues", &arguments).await;
    host.forge.expire_access_tokens();
    post_call(&host.mcp(), "echo", &json!({ "segment": ARGUMENT }).to_string()).await;
    let misspelled = json!({ "segmen": 1, ARGUMENT: ARGUMENT }).to_string();
    post_call(&host.mcp(), "echo", &misspelled).await;
    post_call(&host.mcp(), "echo", &json!({ "segment": [ARGUMENT] }).to_string()).await;
    post_call(&host.mcp(), "panics", &json!({ "secret": ARGUMENT }).to_string()).await;
    // The state, the code and the challenge, as the browser was sent them.
    let pairs = page.visited.iter().flat_map(|url| url.query_pairs());
    let sent: Vec<String> = pairs.map(|(_, value)| value.into_owned()).collect();
    let mut secrets = vec![link.rsplit('/').next().unwrap(), ARGUMENT, Config::CLIENT_SECRET];
    secrets.extend(
        sent.iter().filter(|value| value.len() > 12 && !value.contains("://")).map(String::as_str),
    );
    assert_none(&recorder, &secrets);
    for name in ["refresh_done", "upstream_request", "arguments_refused", "grant_made"] {
        assert!(!recorder.all(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_sign_in_with_the_broker_and_its_refusals_leave_no_secret() {
    let site = Site::start().await;
    let recorder = &site.recorder;
    let host = Application::register_named(&site.url, "Test Host").await;
    let browser = Browser::new();
    let code = host.walk(&browser, "repo:read", "alice").await.code().to_owned();
    let tokens = host.redeem(&code).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let next = host.refresh(&refresh).await;
    host.refresh(&refresh).await;
    let arguments = json!({ "owner": "alice", "repo": ARGUMENT, "limit": 3 });
    site.call(&access, "list_issues", arguments).await;
    let arguments = json!({ "owner": "alice", "repo": ARGUMENT, "title": "It spins" });
    let answer = site.call(&access, "open_issue", arguments).await;
    let link = link_in(&text_of(&answer));
    let page = browser.open(&link).await;
    browser.send(&page, &[("decision", "deny")], &[]).await;

    // Tokens where they do not belong, and tokens that are broken.
    site.call(&format!("{access}x"), "list_issues", json!({})).await;
    site.call(&refresh, "list_issues", json!({})).await;
    host.with_id(&access).refresh(&access).await;
    host.with_id(&refresh).redeem(&code).await;
    browser.open(&host.with_id(&refresh).link("repo:read", &[])).await;
    browser.open(&host.link(&access, &[("code_challenge_method", "plain")])).await;
    let named = json!({ "client_name": access, "redirect_uris": ["http://127.0.0.1:1/"] });
    let url = format!("{}/oauth/register", site.url);
    reqwest::Client::new().post(url).json(&named).send().await.unwrap();
    host.redeem(&code).await;

    let (next_access, next_refresh) = (next.text("access_token"), next.text("refresh_token"));
    let signature = access.rsplit('.').next().unwrap().to_owned();
    let secrets = [
        &*code,
        &access,
        &signature,
        &refresh,
        &next_access,
        &next_refresh,
        link.rsplit('/').next().unwrap(),
        ARGUMENT,
        Config::CLIENT_SECRET,
        "the-state",
    ];
    assert_none(recorder, &secrets);
    for name in ["token_refused", "token_request_refused", "token_reused", "step_up_decided"] {
        assert!(!recorder.all(name).is_empty(), "{name}");
    }
}
