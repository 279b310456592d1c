//! Failing on command, by a request and from a test.

use std::time::Duration;

use crate::app::App;
use forge::Config;

async fn switch(app: &App, what: &str) -> u16 {
    let url = format!("{}/faults/{what}", app.forge.url());
    app.http.post(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn switches_are_there_only_where_they_are_wanted() {
    let app = App::start(Config::default()).await;
    assert_eq!(switch(&app, "api-500").await, 404);
    let app = App::start(Config::default().faults()).await;
    assert_eq!(switch(&app, "api-500").await, 204);
    assert_eq!(switch(&app, "make-coffee").await, 404);
}

#[tokio::test]
async fn the_api_fails_as_it_is_told_and_then_works_again() {
    let app = App::start(Config::default().faults()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    switch(&app, "api-429").await;
    let answer = app.api("GET", "/user", &tokens).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    switch(&app, "api-500").await;
    assert_eq!(app.get("/user", &tokens).await.0, 500);
    switch(&app, "api-drop").await;
    let dropped = app.api("GET", "/user", &tokens).send().await;
    assert!(match dropped {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    });
    assert_eq!(app.get("/user", &tokens).await.0, 200);
    switch(&app, "expire").await;
    assert_eq!(app.get("/user", &tokens).await.0, 401);
}

#[tokio::test]
async fn tokens_fail_as_they_are_told() {
    let app = App::start(Config::default().faults()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    switch(&app, "token-500").await;
    assert_eq!(app.refresh(&tokens["refresh_token"]).await.0, 500);
    switch(&app, "refuse-refresh").await;
    assert_eq!(app.refresh(&tokens["refresh_token"]).await.0, 400);
    switch(&app, "accept-refresh").await;
    let (status, tokens) = app.refresh(&tokens["refresh_token"]).await;
    assert_eq!(status, 200);

    // The change was made, and the answer was lost.
    switch(&app, "token-drop").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let request = app.http.post(format!("{}/oauth/token", app.forge.url()));
    let request = request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET)).form(&form);
    let lost = match request.send().await {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(lost);
    assert_eq!(app.refresh(&tokens["refresh_token"]).await.0, 400, "it was spent");
}

#[tokio::test]
async fn a_grant_is_taken_back() {
    let app = App::start(Config::default().faults()).await;
    let alice = app.tokens("alice", "repo:read").await;
    let bob = app.tokens("bob", "repo:read").await;
    switch(&app, "revoke-alice").await;
    assert_eq!(app.get("/user", &alice).await.0, 401);
    assert_eq!(app.refresh(&alice["refresh_token"]).await.0, 400);
    assert_eq!(app.get("/user", &bob).await.0, 200);
}

#[tokio::test]
async fn answers_are_held_back_until_they_are_let_go() {
    let app = App::start(Config::default()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    let held = app.forge.faults().hold_api();
    let hasty = app.api("GET", "/user", &tokens).timeout(Duration::from_millis(50)).send().await;
    assert!(hasty.unwrap_err().is_timeout());
    let ((status, _), ()) = tokio::join!(app.get("/user", &tokens), async {
        held.reached(2).await;
        drop(held);
    });
    assert_eq!(status, 200);
}
