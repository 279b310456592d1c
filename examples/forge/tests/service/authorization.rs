//! The authorization endpoint: who is asked, for what, and where the answer goes.

use std::time::Duration;

use crate::app::{App, VERIFIER};
use forge::{Config, person::Person};
use serde_json::Value;

#[tokio::test]
async fn the_metadata_says_what_there_is() {
    let app = App::start(Config::default()).await;
    let base = app.forge.url();
    let url = format!("{base}/.well-known/oauth-authorization-server");
    let metadata: Value = app.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], base);
    for endpoint in ["authorization_endpoint", "token_endpoint", "revocation_endpoint"] {
        assert!(metadata[endpoint].as_str().unwrap().starts_with(base), "{endpoint}");
    }
    assert_eq!(metadata["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn the_answer_carries_code_state_and_issuer() {
    let app = App::start(Config::default()).await;
    let answer = app.approved(&Person::new("alice"), &[]).await;
    assert_eq!(answer["state"], "a state");
    assert_eq!(answer["iss"], app.forge.url());
    let (status, tokens) = app.redeem(&answer["code"], VERIFIER).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["scope"], "repo:read");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
}

#[tokio::test]
async fn the_pages_name_the_scopes_in_words_and_cannot_be_framed() {
    let app = App::start(Config::default()).await;
    let url = app.authorize(&[("scope", "repo:read user:email")]);
    let login = app.http.get(url.clone()).send().await.unwrap();
    let policy = login.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(login.text().await.unwrap().contains("password"));
    let alice = Person::new("alice");
    alice.approve(url.as_str()).await.unwrap();
    let consent = alice.open(url.as_str()).await.unwrap();
    assert!(consent.body.contains("Read your repositories, issues and files"), "{}", consent.body);
    assert!(consent.body.contains("See your e-mail address"), "{}", consent.body);
}

#[tokio::test]
async fn who_denies_is_believed() {
    let app = App::start(Config::default()).await;
    let page = Person::new("alice").deny(app.authorize(&[]).as_str()).await.unwrap();
    let query = page.url.query().unwrap();
    assert!(query.contains("error=access_denied"), "{query}");
    assert!(query.contains("state=a+state") && query.contains("iss="), "{query}");
    assert!(!query.contains("code="), "{query}");
}

#[tokio::test]
async fn faults_of_client_and_redirect_are_shown_and_lead_nowhere() {
    let app = App::start(Config::default()).await;
    let elsewhere = app.redirect_uri.replace("/callback/forge", "/callback/other");
    let slash = format!("{}/", app.redirect_uri);
    let query = format!("{}?x=1", app.redirect_uri);
    let localhost = app.redirect_uri.replace("127.0.0.1", "localhost");
    for (name, value) in [
        ("client_id", "somebody"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/callback/forge"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", &elsewhere),
        ("redirect_uri", &slash),
        ("redirect_uri", &query),
        ("redirect_uri", &localhost),
    ] {
        let answer = app.http.get(app.authorize(&[(name, value)])).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{name}={value}: {}", answer.status());
        assert!(!answer.headers().contains_key("location"), "{name}={value}");
    }
}

#[tokio::test]
async fn other_faults_go_back_to_the_application() {
    let app = App::start(Config::default()).await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "repo:everything", "invalid_scope"),
    ] {
        let answer = app.http.get(app.authorize(&[(name, value)])).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(&app.redirect_uri), "{location}");
        assert!(location.contains(&format!("error={error}")), "{name}={value}: {location}");
        assert!(location.contains("state=a+state") && location.contains("iss="), "{location}");
    }
}

#[tokio::test]
async fn a_decision_is_of_the_person_who_was_asked() {
    let app = App::start(Config::default()).await;
    let alice = Person::new("alice");
    alice.approve(app.authorize(&[]).as_str()).await.unwrap();
    let consent = alice.open(app.authorize(&[]).as_str()).await.unwrap();
    let after = |name: &str| {
        let at = consent.body.find(&format!("name=\"{name}\" value=\"")).unwrap() + name.len() + 15;
        consent.body[at..].split('"').next().unwrap().to_owned()
    };
    let decide = async |cookie: Option<&str>, csrf: &str| {
        let form = [("request", &*after("request")), ("csrf", csrf), ("decision", "approve")];
        let mut request = app.http.post(format!("{}/consent", app.forge.url())).form(&form);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        request.send().await.unwrap()
    };
    for (cookie, csrf) in [
        (None, after("csrf")),
        (None, String::new()),
        (Some("forge-session=guessed"), after("csrf")),
        (Some("forge-session=guessed"), String::new()),
    ] {
        let answer = decide(cookie, &csrf).await;
        assert!(!answer.headers().contains_key("location"), "{cookie:?} {csrf}");
    }
}

#[tokio::test]
async fn a_code_is_for_one_use_one_minute_one_verifier_and_one_redirect() {
    let app = App::start(Config::default()).await;
    let alice = Person::new("alice");
    let code = app.approved(&alice, &[]).await["code"].clone();
    for verifier in ["another-verifier-of-at-least-forty-three-characters", ""] {
        let (status, refusal) = app.redeem(&code, verifier).await;
        assert_eq!((status.as_u16(), &refusal["error"]), (400, &"invalid_grant".into()));
    }
    let other = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:1/callback/forge"),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(app.token(&other).await.status(), 400);

    let (status, tokens) = app.redeem(&code, VERIFIER).await;
    assert_eq!(status, 200, "faults of others did not use it up");
    assert_eq!(app.get("/user", &tokens).await.0, 200);
    assert_eq!(app.redeem(&code, VERIFIER).await.0, 400);
    assert_eq!(app.get("/user", &tokens).await.0, 401, "another client has it, too");

    let code = app.approved(&alice, &[]).await["code"].clone();
    app.forge.advance(Duration::from_secs(61));
    assert_eq!(app.redeem(&code, VERIFIER).await.0, 400);
}

#[tokio::test]
async fn the_client_proves_itself() {
    let app = App::start(Config::default()).await;
    let code = app.approved(&Person::new("alice"), &[]).await["code"].clone();
    let form = |id: &'static str, secret: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &*app.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", id),
            ("client_secret", secret),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    for (id, secret, status) in [
        (Config::CLIENT_ID, "wrong", 401),
        ("other", Config::CLIENT_SECRET, 401),
        (Config::CLIENT_ID, "", 401),
        (Config::CLIENT_ID, Config::CLIENT_SECRET, 200),
    ] {
        let url = format!("{}/oauth/token", app.forge.url());
        let answer = app.http.post(url).form(&form(id, secret)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{id} {secret}");
    }
}
