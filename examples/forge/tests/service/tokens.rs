//! Tokens: how long they live, how they are renewed, and how they end.

use std::time::Duration;

use crate::app::{self, App};
use forge::Config;

#[tokio::test]
async fn access_ends_after_its_time_and_a_refresh_brings_it_back() {
    let app = App::start(Config::default().access_ttl(Duration::from_secs(5))).await;
    let tokens = app.tokens("alice", "repo:read").await;
    assert_eq!(tokens["expires_in"], 5);
    assert_eq!(app.get("/user", &tokens).await.0, 200);
    app.forge.advance(Duration::from_secs(6));
    assert_eq!(app.get("/user", &tokens).await.0, 401);
    let (status, renewed) = app.refresh(&tokens["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(app.get("/user", &renewed).await.0, 200);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_everything() {
    let app = App::start(Config::default()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    let (_, renewed) = app.refresh(&tokens["refresh_token"]).await;
    let (status, refusal) = app.refresh(&tokens["refresh_token"]).await;
    assert_eq!((status.as_u16(), &refusal["error"]), (400, &"invalid_grant".into()));
    assert_eq!(app.refresh(&renewed["refresh_token"]).await.0, 400);
    assert_eq!(app.get("/user", &renewed).await.0, 401);
    let counts = app.forge.counts();
    assert_eq!((counts.refreshes, counts.refreshes_refused), (1, 2));
}

#[tokio::test]
async fn without_rotation_a_refresh_token_stays_and_is_not_repeated() {
    let app = App::start(Config::default().without_rotation()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    for _ in 0..2 {
        let (status, renewed) = app.refresh(&tokens["refresh_token"]).await;
        assert_eq!(status, 200);
        assert!(renewed.get("refresh_token").is_none(), "{renewed}");
    }
}

#[tokio::test]
async fn each_of_the_tokens_revokes_both() {
    let app = App::start(Config::default()).await;
    for kind in ["access_token", "refresh_token"] {
        let tokens = app.tokens("alice", "repo:read").await;
        let revoke = async |token: &str| {
            let request = app.http.post(format!("{}/oauth/revoke", app.forge.url()));
            request
                .basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))
                .form(&[("token", token)])
                .send()
                .await
                .unwrap()
                .status()
        };
        assert_eq!(revoke("never was one").await, 200, "RFC 7009 §2.2");
        assert_eq!(app.get("/user", &tokens).await.0, 200);
        assert_eq!(revoke(tokens[kind].as_str().unwrap()).await, 200);
        assert_eq!(app.get("/user", &tokens).await.0, 401, "{kind}");
        assert_eq!(app.refresh(&tokens["refresh_token"]).await.0, 400, "{kind}");
    }
    let stranger = app.http.post(format!("{}/oauth/revoke", app.forge.url()));
    let stranger = stranger.form(&[("token", "x")]).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn what_is_withheld_is_not_in_the_answer() {
    let app = App::start(Config::default().withhold("repo:write")).await;
    let tokens = app.tokens("alice", "repo:write user:email").await;
    assert_eq!(tokens["scope"], "user:email");
}

#[tokio::test]
async fn tokens_may_not_say_when_they_end() {
    let config = Config::default().without_expiry().access_ttl(Duration::from_secs(5));
    let app = App::start(config).await;
    let tokens = app.tokens("alice", "repo:read").await;
    assert!(tokens.get("expires_in").is_none(), "{tokens}");
    app.forge.advance(Duration::from_secs(6));
    assert_eq!(app.get("/user", &tokens).await.0, 401, "and end all the same");
}

#[tokio::test]
async fn there_is_no_other_kind_of_grant() {
    let app = App::start(Config::default()).await;
    for kind in ["password", "client_credentials", "implicit"] {
        let answer = app.token(&[("grant_type", kind), ("username", "alice")]).await;
        let (status, refusal) = app::read(answer).await;
        assert_eq!((status.as_u16(), &refusal["error"]), (400, &"unsupported_grant_type".into()));
    }
}

#[tokio::test]
async fn a_forge_that_is_started_again_knows_its_tokens() {
    let directory = std::env::temp_dir().join(format!("forge-state-{}", std::process::id()));
    let config = || Config::default().state(directory.join("deep").join("forge.json"));
    let first = App::start(config()).await;
    let tokens = first.tokens("alice", "repo:read").await;
    let (_, renewed) = first.refresh(&tokens["refresh_token"]).await;
    drop(first);
    let second = App::start(config()).await;
    assert_eq!(second.get("/user", &renewed).await.0, 200);
    let (status, again) = second.refresh(&renewed["refresh_token"]).await;
    assert_eq!(status, 200, "{again}");
    drop(second);
    let third = App::start(config()).await;
    let (status, _) = third.refresh(&renewed["refresh_token"]).await;
    assert_eq!(status, 400, "that it was used is known as well");
    assert_eq!(third.get("/user", &again).await.0, 401);
    std::fs::remove_dir_all(directory).unwrap();
}
