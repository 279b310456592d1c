//! Providers that are slow, and connections that break.

use std::time::Duration;

use forge::{Config, person::Person};
use integration::{
    client::{link_in, post_call, text_of},
    host::Host,
};
use serde_json::Value;

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":3}"#;

async fn connected(config: Config) -> Host {
    connect(Host::start(config).await).await
}

async fn connect(host: Host) -> Host {
    let answer = post_call(&host.mcp(), "open_issue", TITLED).await;
    let page = Person::new("alice").approve(&link_in(&text_of(&answer))).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    host
}

const TITLED: &str = r#"{"owner":"alice","repo":"compass","title":"It spins"}"#;

async fn list(host: &Host) -> Value {
    post_call(&host.mcp(), "list_issues", ISSUES).await
}

fn is_done(answer: &Value) -> bool {
    answer["result"]["isError"] == false
}

#[tokio::test]
async fn a_slow_api_is_said_to_be_slow() {
    let host = connected(Config::default()).await;
    let held = host.forge.faults().hold_api();
    let text = text_of(&post_call(&host.mcp(), "hasty", "{}").await);
    assert!(text.contains("Forge") && text.contains("did not answer"), "{text}");
    drop(held);
    assert!(is_done(&post_call(&host.mcp(), "hasty", "{}").await));
}

#[tokio::test]
async fn a_slow_token_endpoint_costs_neither_the_grant_nor_the_servers_patience() {
    let config = Config::default().access_ttl(Duration::from_secs(600));
    let host = connect(Host::impatient(config).await).await;
    host.advance(Duration::from_secs(601));
    let held = host.forge.faults().hold_token();
    let text = text_of(&list(&host).await);
    assert!(text.contains("Forge") && text.contains("again later"), "{text}");
    assert!(!text.contains("/connect/"), "the user has nothing to do with it: {text}");
    drop(held);
    host.advance(Duration::from_secs(31));
    assert!(is_done(&list(&host).await), "the grant is still there");
}

#[tokio::test]
async fn a_connection_of_the_api_that_breaks_is_made_again_to_read_and_not_to_write() {
    let host = connected(Config::default()).await;
    host.forge.faults().api_drop(1);
    let listed = list(&host).await;
    assert!(is_done(&listed), "{listed}");
    let before = open_issues(&host).await;
    host.forge.faults().api_drop(1);
    let text = text_of(&post_call(&host.mcp(), "open_issue", TITLED).await);
    assert!(text.contains("Forge"), "{text}");
    assert!(open_issues(&host).await <= before + 1, "it was not sent twice");
    host.forge.faults().api_drop(5);
    let text = text_of(&list(&host).await);
    assert!(text.contains("Forge"), "{text}");
}

async fn open_issues(host: &Host) -> usize {
    let arguments = r#"{"owner":"alice","repo":"compass","limit":100}"#;
    let listed = post_call(&host.mcp(), "list_issues", arguments).await;
    listed["result"]["structuredContent"]["result"].as_array().unwrap().len()
}

/// The answer is lost after the provider has rotated the token: what was granted is gone, and
/// nothing but a person can bring it back. It is said so.
#[tokio::test]
async fn a_refresh_whose_answer_is_lost_ends_in_a_clear_request_to_connect_again() {
    let host = connected(Config::default().access_ttl(Duration::from_secs(600))).await;
    host.advance(Duration::from_secs(601));
    host.forge.faults().token_drop(1);
    let first = text_of(&list(&host).await);
    host.advance(Duration::from_secs(31));
    let second = text_of(&list(&host).await);
    let text = format!("{first}\n{second}");
    assert!(text.contains("has to be connected again"), "{text}");
    let page = Person::new("alice").approve(&link_in(&text)).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    assert!(is_done(&list(&host).await));
}
