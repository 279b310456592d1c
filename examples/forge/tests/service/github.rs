//! In the manner of GitHub.

use crate::app::{App, VERIFIER, read};
use forge::{Config, person::Person};
use serde_json::Value;

async fn app() -> App {
    App::start(Config::default().github()).await
}

async fn code(app: &App, scope: &str) -> String {
    app.approved(&Person::new("alice"), &[("scope", scope)]).await["code"].clone()
}

#[tokio::test]
async fn scopes_come_with_commas_and_tokens_do_not_end() {
    let app = app().await;
    let code = code(&app, "repo user:email").await;
    let (status, tokens) = app.redeem(&code, VERIFIER).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["scope"], "repo,user:email");
    assert!(tokens.get("expires_in").is_none() && tokens.get("refresh_token").is_none());
    app.forge.advance(std::time::Duration::from_secs(365 * 86400));
    assert_eq!(app.get("/user/repos", &tokens).await.0, 200);
    let answer = app.api("GET", "/user", &tokens).send().await.unwrap();
    assert_eq!(answer.headers()["x-oauth-scopes"], "repo, user:email");
}

#[tokio::test]
async fn answers_are_forms_unless_json_is_asked_for() {
    let app = app().await;
    let code = code(&app, "repo").await;
    let form = [
        ("code", &*code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
        ("client_id", Config::CLIENT_ID),
        ("client_secret", Config::CLIENT_SECRET),
    ];
    let url = format!("{}/login/oauth/access_token", app.forge.url());
    let answer = app.http.post(url).form(&form).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-www-form-urlencoded");
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("access_token=") && text.contains("scope=repo"), "{text}");
}

#[tokio::test]
async fn errors_come_with_status_200() {
    let app = app().await;
    let (status, refusal) = app.redeem("guessed", VERIFIER).await;
    assert_eq!((status.as_u16(), &refusal["error"]), (200, &"bad_verification_code".into()));
    let wrong = app.http.post(format!("{}/login/oauth/access_token", app.forge.url()));
    let wrong = wrong.header("accept", "application/json").form(&[("client_id", "nobody")]);
    let (status, refusal) = read(wrong.send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &refusal["error"]), (200, &"incorrect_client_credentials".into()));
}

#[tokio::test]
async fn scopes_are_githubs() {
    let app = app().await;
    let url = app.authorize(&[("scope", "repo:read")]);
    let answer = app.http.get(url).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().contains("invalid_scope"));
    let code = code(&app, "public_repo").await;
    let (_, tokens): (_, Value) = app.redeem(&code, VERIFIER).await;
    assert_eq!(app.get("/repos/alice/compass", &tokens).await.0, 200);
    let delete = app.api("DELETE", "/repos/alice/compass", &tokens).send().await.unwrap();
    assert_eq!(delete.status(), 403);
    assert_eq!(delete.headers()["x-accepted-oauth-scopes"], "delete_repo");
}
