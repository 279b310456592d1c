//! Opaque tokens, of which the issuer is asked (RFC 7662).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::issuer::{self, NOW, RESOURCE, clock, verify};
use axum::{Form, Router, extract::State, response::Response, routing::post};
use futures::future::join_all;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::gate::{Introspection, introspection};

#[derive(Clone, Default)]
struct Issuer {
    /// The status and the body of the next answers.
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

async fn answer(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    issuer.asked.lock().unwrap().push((authorization, form[0].1.clone()));
    let (status, body) = issuer.says.lock().unwrap().clone();
    Response::builder().status(status).body(body.into()).unwrap()
}

async fn start() -> (Issuer, String) {
    let issuer = Issuer::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/introspect", listener.local_addr().unwrap());
    let router = Router::new().route("/introspect", post(answer)).with_state(issuer.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (issuer, url)
}

impl Issuer {
    fn say(&self, answer: Value) {
        *self.says.lock().unwrap() = (200, answer.to_string());
    }

    fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn verifier(url: &str) -> Introspection {
    introspection(issuer::ISSUER, url, "our:id", "our secret").unwrap().clock(clock())
}

fn active() -> Value {
    json!({
        "active": true, "sub": "alice", "client_id": "host", "scope": "orders:read",
        "aud": RESOURCE, "exp": NOW + 300, "iss": issuer::ISSUER, "tenant": 7,
    })
}

#[tokio::test]
async fn an_active_token_is_let_in_and_asked_about_once() {
    let (issuer, url) = start().await;
    issuer.say(active());
    let verifier = verifier(&url);
    let all = join_all((0..20).map(|_| verify(&verifier, "opaque"))).await;
    for claims in all {
        let claims = claims.unwrap();
        assert_eq!((claims.subject(), claims.client_id()), ("alice", Some("host")));
        assert!(claims.has("orders:read"));
    }
    assert_eq!(issuer.questions(), 1);
    let (authorization, token) = issuer.asked.lock().unwrap()[0].clone();
    assert_eq!(token, "opaque");
    // `our:id` and `our secret`, each in the form's encoding.
    assert_eq!(authorization, "Basic b3VyJTNBaWQ6b3VyK3NlY3JldA==");
}

#[tokio::test]
async fn what_is_not_good_is_told_apart() {
    let (issuer, url) = start().await;
    for (name, changes, code) in [
        ("revoked", json!({ "active": false }), "inactive"),
        ("for another server", json!({ "aud": "https://other.example" }), "wrong_audience"),
        ("for others", json!({ "aud": ["a", "b"] }), "wrong_audience"),
        ("for a number", json!({ "aud": 7 }), "claim"),
        ("from another issuer", json!({ "iss": "https://evil.example" }), "wrong_issuer"),
        ("bound to a key", json!({ "cnf": { "jkt": "x" } }), "sender_constrained"),
        ("not yet good", json!({ "nbf": NOW + 31 }), "not_yet_valid"),
        ("over, whatever it says", json!({ "exp": NOW - 30 }), "expired"),
        ("of nobody", json!({ "sub": null, "client_id": null }), "claim"),
        ("for nobody in particular", json!({ "aud": null }), "claim"),
        ("over in words", json!({ "exp": "tomorrow" }), "claim"),
        ("good from a list", json!({ "nbf": [NOW] }), "claim"),
        ("scopes that are numbers", json!({ "scope": 7 }), "claim"),
        ("a subject that is a number", json!({ "sub": 7 }), "claim"),
        ("a refresh token", json!({ "token_type": "refresh_token" }), "wrong_type"),
        ("Keycloak's", json!({ "typ": "Refresh" }), "wrong_type"),
        ("an ID token", json!({ "token_use": "id" }), "wrong_type"),
    ] {
        let mut answer = active();
        for (key, value) in changes.as_object().unwrap() {
            answer[key] = value.clone();
        }
        issuer.say(answer);
        let refused = verify(&verifier(&url), "opaque").await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
    }
}

#[tokio::test]
async fn scopes_and_times_come_in_every_form() {
    let (issuer, url) = start().await;
    for (name, changes) in [
        ("a list", json!({ "scope": ["orders:read", "mail"] })),
        ("scp", json!({ "scope": null, "scp": "orders:read mail" })),
        ("permissions", json!({ "scope": "mail", "permissions": ["orders:read"] })),
        ("fractions of a second", json!({ "exp": 1_800_000_000.5, "nbf": 1_799_999_999.5 })),
        ("a clock that is late", json!({ "exp": NOW - 29, "nbf": NOW + 30 })),
        ("no end", json!({ "exp": null })),
        ("others besides", json!({ "aud": ["https://other.example", RESOURCE] })),
        ("the type of RFC 6750", json!({ "token_type": "Bearer" })),
    ] {
        let mut answer = active();
        for (key, value) in changes.as_object().unwrap() {
            answer[key] = value.clone();
        }
        issuer.say(answer);
        let claims = verify(&verifier(&url), "opaque").await.expect(name);
        assert!(claims.has("orders:read"), "{name}");
    }
}

#[tokio::test]
async fn a_token_for_nobody_in_particular_is_accepted_where_the_operator_says_so() {
    let (issuer, url) = start().await;
    let mut answer = active();
    answer.as_object_mut().unwrap().remove("aud");
    issuer.say(answer.clone());
    let open = || verifier(&url).accept_without_audience();
    assert!(verify(&open(), "opaque").await.is_ok());
    assert_eq!(verify(&verifier(&url), "opaque").await.unwrap_err().code(), "claim");
    answer["aud"] = json!("https://other.example");
    issuer.say(answer);
    assert_eq!(verify(&open(), "opaque").await.unwrap_err().code(), "wrong_audience");
}

#[tokio::test]
async fn a_name_of_the_server_at_the_issuer_is_an_audience() {
    let (issuer, url) = start().await;
    let named = || verifier(&url).audience(["orders-api", ""]);
    for (audience, accepted) in [
        (json!("orders-api"), true),
        (json!(["others", "orders-api"]), true),
        (json!(RESOURCE), true),
        (json!("orders-api/"), false),
        (json!("ORDERS-API"), false),
        (json!(["others"]), false),
        (json!(""), false),
    ] {
        let mut answer = active();
        answer["aud"] = audience.clone();
        issuer.say(answer);
        let judged = verify(&named(), "opaque").await;
        match judged {
            Ok(_) => assert!(accepted, "{audience}"),
            Err(error) => {
                assert!(!accepted, "{audience}: {error}");
                assert_eq!(error.code(), "wrong_audience", "{audience}");
                let expected = format!("{RESOURCE} or orders-api");
                assert!(error.to_string().contains(&expected), "{error}");
            }
        }
    }
    let mut answer = active();
    answer["aud"] = json!("orders-api");
    issuer.say(answer);
    let refused = verify(&verifier(&url), "opaque").await.unwrap_err();
    assert_eq!(refused.code(), "wrong_audience");
}

#[tokio::test]
async fn tokens_that_are_made_up_do_not_hold_up_the_others_for_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/introspect", listener.local_addr().unwrap());
    // It takes connections, and never answers.
    let (accepted, mut connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let _ = accepted.send(connection);
        }
    });
    let verifier = Arc::new(verifier(&url));
    for n in 0..64 {
        let verifier = Arc::clone(&verifier);
        tokio::spawn(async move { verify(&*verifier, &format!("made-up-{n}")).await });
    }
    // As many as are asked about at once.
    let mut open = Vec::new();
    while open.len() < 64 {
        open.push(connections.recv().await.expect("a connection"));
    }
    // From here on, time passes only while everyone waits for it.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let refused = verify(&*verifier, "opaque").await.unwrap_err();
    assert_eq!((refused.code(), refused.status().as_u16()), ("unavailable", 503));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_issuer_that_fails_says_nothing_about_the_token() {
    let (issuer, url) = start().await;
    let verifier = verifier(&url);
    for (status, body) in [
        (500, "{}".to_owned()),
        (401, json!({ "active": true, "sub": "alice" }).to_string()),
        (200, "no JSON".to_owned()),
        (200, "{}".to_owned()),
        (200, json!({ "active": "true", "sub": "alice" }).to_string()),
        (200, format!("{{\"active\":true{}", " ".repeat(300 << 10))),
    ] {
        *issuer.says.lock().unwrap() = (status, body);
        let refused = verify(&verifier, "opaque").await.unwrap_err();
        assert_eq!((refused.code(), refused.status().as_u16()), ("unavailable", 503));
    }
    issuer.say(active());
    assert!(verify(&verifier, "opaque").await.is_ok(), "an outage is not remembered");
}

#[tokio::test]
async fn what_is_remembered_ends_with_the_token() {
    let (issuer, url) = start().await;
    let clock = clock();
    let verifier = verifier(&url).clock(clock.clone());
    issuer.say(active());
    verify(&verifier, "opaque").await.unwrap();
    clock.advance(Duration::from_secs(330));
    assert_eq!(verify(&verifier, "opaque").await.unwrap_err().code(), "expired");
    assert_eq!(issuer.questions(), 1);
}

#[tokio::test]
async fn a_machine_is_known_by_having_no_person() {
    let (issuer, url) = start().await;
    for (changes, machine) in [
        (json!({}), false),
        (json!({ "sub": "host" }), true),
        (json!({ "sub": null }), true),
        (json!({ "username": "service-account-host" }), true),
        (json!({ "username": "service-account-other" }), false),
        (json!({ "idtyp": "app" }), true),
        (json!({ "idtyp": "user" }), false),
    ] {
        let mut answer = active();
        for (key, value) in changes.as_object().unwrap() {
            answer[key] = value.clone();
        }
        issuer.say(answer);
        let claims = verify(&verifier(&url), "opaque").await.unwrap();
        assert_eq!(claims.is_client_credentials(), machine, "{changes}");
    }
}
