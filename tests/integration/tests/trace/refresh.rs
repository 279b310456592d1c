//! A refresh: one span, however many calls wait for it.

use std::{collections::BTreeSet, time::Duration};

use forge::{Config, person::Person};
use futures::future::join_all;
use integration::{
    client::{link_in, post_call, text_of},
    host::Host,
    recorder::Recorder,
};
use serde_json::{Value, json};

use super::{assert_has, assert_order};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":3}"#;
const CALLS: usize = 50;

async fn connected(config: Config, recorder: &Recorder) -> Host {
    let host = Host::observed(config, recorder).await;
    let answer = list(&host).await;
    Person::new("alice").approve(&link_in(&text_of(&answer))).await.unwrap();
    recorder.clear();
    host
}

async fn list(host: &Host) -> Value {
    post_call(&host.mcp(), "list_issues", ISSUES).await
}

#[tokio::test]
async fn a_refresh_that_fifty_calls_wait_for_is_one() {
    let recorder = Recorder::default();
    let config = Config::default().access_ttl(Duration::from_secs(600));
    let host = connected(config, &recorder).await;
    host.advance(Duration::from_secs(601));
    let held = host.forge.faults().hold_token();
    let calls = (0..CALLS).map(|_| list(&host));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        // The answer is held back until all calls wait for it.
        while recorder.count("refresh_joined") + 1 < CALLS {
            tokio::task::yield_now().await;
        }
        drop(held);
    });
    assert!(answers.iter().all(|answer| answer["result"]["isError"] == false));

    let (begun, done) = (recorder.one("refresh_begun"), recorder.one("refresh_done"));
    assert_has(&begun, &json!({ "provider": "forge", "reason": "expired" }));
    assert_eq!(begun["span"], done["span"]);
    assert_eq!(begun["parent"], done["parent"]);
    assert_has(
        &done,
        &json!({ "outcome": "renewed", "joined": CALLS - 1, "rotated": true, "expires_in_s": 600 }),
    );
    let joined = recorder.all("refresh_joined");
    assert_eq!(joined.len(), CALLS - 1);
    let mut waiting = BTreeSet::from([begun["parent"].as_str().unwrap().to_owned()]);
    for event in &joined {
        assert_eq!(event["refresh"], begun["span"], "{event}");
        waiting.insert(event["span"].as_str().unwrap().to_owned());
    }
    let calls: BTreeSet<String> = recorder
        .all("call_ended")
        .iter()
        .map(|event| event["span"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(waiting, calls, "each call began the refresh or joined it");
    assert_order(
        &recorder.names(),
        &["refresh_begun", "refresh_joined", "refresh_done", "upstream_request", "call_ended"],
    );
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_seen_to_be_renewed_and_tried_again() {
    let recorder = Recorder::default();
    let host = connected(Config::default(), &recorder).await;
    host.forge.expire_access_tokens();
    list(&host).await;
    assert_order(
        &recorder.names(),
        &[
            "tool_called",
            "upstream_request",
            "refresh_begun",
            "refresh_done",
            "upstream_request",
            "call_ended",
        ],
    );
    let requests = recorder.all("upstream_request");
    let (first, second) = (&requests[0], &requests[1]);
    assert_has(first, &json!({ "status": 401, "attempt": 1, "retried": "first" }));
    assert_has(second, &json!({ "status": 200, "attempt": 2, "retried": "new_token" }));
    assert_has(&recorder.one("refresh_begun"), &json!({ "reason": "refused" }));
    assert_eq!(recorder.one("refresh_begun")["parent"], first["span"]);
}

#[tokio::test]
async fn a_refresh_that_fails_says_why() {
    let recorder = Recorder::default();
    let config = Config::default().access_ttl(Duration::from_secs(600));
    let host = connected(config, &recorder).await;
    host.forge.revoke_grants_of("alice");
    host.advance(Duration::from_secs(601));
    list(&host).await;
    let failed = json!({ "provider": "forge", "reason": "dead", "status": null, "joined": 0 });
    assert_has(&recorder.one("refresh_failed"), &failed);
    assert_has(&recorder.one("consent_needed"), &json!({ "reason": "revoked" }));
    assert_order(&recorder.names(), &["refresh_begun", "refresh_failed", "consent_needed"]);
}
