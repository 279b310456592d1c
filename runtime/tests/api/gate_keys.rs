//! Where keys come from: discovery, key sets that fail, rotation, outages.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::issuer::{self, KEYS, SigningKey, claims, clock, verify};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    gate::{AuthError, Jwt, jwks, oidc},
    grant::ManualClock,
};

/// An authorization server whose documents the test writes.
#[derive(Clone)]
struct Server {
    url: String,
    documents: Arc<Mutex<Vec<(String, Document)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    key_sets: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Document {
    Json(Value),
    Status(u16),
    Redirect(String),
    Large,
    Never,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            url,
            documents: Arc::default(),
            asked: Arc::default(),
            key_sets: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn write(&self, path: &str, document: Document) {
        let mut documents = self.documents.lock().unwrap();
        documents.retain(|(other, _)| other != path);
        documents.push((path.to_owned(), document));
    }

    fn write_keys(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        self.write("/jwks", Document::Json(json!({ "keys": keys })));
    }

    fn metadata(&self, issuer: &str) -> Document {
        Document::Json(json!({ "issuer": issuer, "jwks_uri": format!("{}/jwks", self.url) }))
    }

    fn fetches(&self) -> usize {
        self.key_sets.load(Ordering::SeqCst)
    }

    fn token(&self, key: &SigningKey, kid: &str) -> String {
        let header = issuer::header(json!({ "kid": kid }));
        key.sign(
            &header,
            &claims(json!({ "iss": self.url, "exp": issuer::NOW + 90_000 })).to_string(),
        )
    }

    async fn check(&self, verifier: &Jwt, key: &SigningKey, kid: &str) -> &'static str {
        outcome(verifier, &self.token(key, kid)).await
    }

    /// As `check`, with a token that does not name its key.
    async fn check_unnamed(&self, verifier: &Jwt, key: &SigningKey) -> &'static str {
        let header = issuer::header(json!({ "kid": null }));
        let body = claims(json!({ "iss": self.url })).to_string();
        outcome(verifier, &key.sign(&header, &body)).await
    }

    fn verifier(&self, clock: &Arc<ManualClock>) -> Jwt {
        jwks(&self.url, format!("{}/jwks", self.url)).unwrap().clock(clock.clone())
    }
}

async fn outcome(verifier: &Jwt, token: &str) -> &'static str {
    verify(verifier, token).await.map_or_else(|refusal| refusal.code(), |_| "ok")
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    server.asked.lock().unwrap().push(path.clone());
    if path == "/jwks" {
        server.key_sets.fetch_add(1, Ordering::SeqCst);
    }
    let found = server.documents.lock().unwrap().iter().find(|(p, _)| *p == path).cloned();
    let plain = |status: u16| Response::builder().status(status);
    match found.map(|(_, document)| document) {
        Some(Document::Json(value)) => plain(200).body(value.to_string().into()).unwrap(),
        Some(Document::Status(status)) => plain(status).body(Body::empty()).unwrap(),
        Some(Document::Redirect(to)) => {
            plain(302).header("location", to).body(Body::empty()).unwrap()
        }
        Some(Document::Large) => {
            // It would be good, but for its size.
            let keys = json!({ "keys": [KEYS.es256.jwk] });
            plain(200).body(format!("{}{keys}", " ".repeat(300 << 10)).into()).unwrap()
        }
        Some(Document::Never) => std::future::pending().await,
        None => plain(StatusCode::NOT_FOUND.as_u16()).body(Body::empty()).unwrap(),
    }
}

#[tokio::test]
async fn metadata_is_looked_for_where_it_may_be_and_in_order() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    for place in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        server.documents.lock().unwrap().retain(|(path, _)| path == "/jwks");
        server.write(place, server.metadata(&server.url));
        let verifier = oidc(&server.url).unwrap().clock(clock());
        assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok", "{place}");
    }
    let issuer = format!("{}/tenant", server.url);
    for place in [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    ] {
        server.documents.lock().unwrap().retain(|(path, _)| path == "/jwks");
        server.write(place, server.metadata(&issuer));
        let verifier = oidc(&issuer).unwrap().clock(clock());
        let token = KEYS.token(json!({ "iss": issuer }));
        assert!(verify(&verifier, &token).await.is_ok(), "{place}");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    for issuer in
        ["https://evil.example", &format!("{}/", server.url), "", &server.url.to_uppercase()]
    {
        let place = "/.well-known/oauth-authorization-server";
        server.write(place, server.metadata(issuer));
        let verifier = oidc(&server.url).unwrap().clock(clock());
        assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "unavailable", "{issuer}");
    }
    assert_eq!(server.fetches(), 0);
}

#[tokio::test]
async fn a_key_set_that_fails_is_an_outage_and_not_an_open_door() {
    let server = Server::start().await;
    let elsewhere = Server::start().await;
    elsewhere.write_keys(&[&KEYS.es256]);
    let private = json!({ "keys": [{ "kty": "oct", "kid": "es256", "k": "c2VjcmV0" }] });
    for (name, document) in [
        ("500", Document::Status(500)),
        ("404", Document::Status(404)),
        ("too large", Document::Large),
        ("elsewhere", Document::Redirect(format!("{}/jwks", elsewhere.url))),
        ("no JSON", Document::Json(json!("text"))),
        ("no keys", Document::Json(json!({ "keys": [] }))),
        ("keys of the wrong kind", Document::Json(json!({ "keys": {} }))),
        ("secrets", Document::Json(private)),
        ("unreadable keys", Document::Json(json!({ "keys": [7, null, {}] }))),
    ] {
        server.write("/jwks", document);
        let verifier = server.verifier(&clock());
        let refused = verify(&verifier, &server.token(&KEYS.es256, "es256")).await.unwrap_err();
        assert_eq!(refused.code(), "unavailable", "{name}");
        assert_eq!(refused.status(), 503, "{name}");
    }
    assert_eq!(elsewhere.fetches(), 0, "redirects are not followed");
}

#[tokio::test]
async fn one_bad_key_does_not_spoil_the_others() {
    let server = Server::start().await;
    let keys = json!({ "keys": [{ "kty": "new", "kid": "x" }, 7, KEYS.es256.jwk] });
    server.write("/jwks", Document::Json(keys));
    assert_eq!(server.check(&server.verifier(&clock()), &KEYS.es256, "es256").await, "ok");
}

#[tokio::test]
async fn two_keys_of_one_name_are_none() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256, &KEYS.stranger]);
    let verifier = server.verifier(&clock());
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "unknown_key");
    assert_eq!(server.check(&verifier, &KEYS.stranger, "es256").await, "unknown_key");
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_wait() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let verifier = server.verifier(&clock());
    let checks = (0..50).map(|_| server.check(&verifier, &KEYS.es256, "es256"));
    assert!(join_all(checks).await.iter().all(|found| *found == "ok"));
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_unknown_ones_cost_few_fetches() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    for n in 0..20 {
        let made_up = format!("made-up-{n}");
        assert_eq!(server.check(&verifier, &KEYS.stranger, &made_up).await, "unknown_key");
    }
    assert_eq!(server.fetches(), 1 + 5, "a burst");
    let rotated = SigningKey::p256("rotated");
    server.write_keys(&[&KEYS.es256, &rotated]);
    assert_eq!(server.check(&verifier, &rotated, "rotated").await, "unknown_key");
    clock.advance(Duration::from_secs(31));
    assert_eq!(server.check(&verifier, &rotated, "rotated").await, "ok", "half a minute later");
    assert_eq!(server.fetches(), 7);
    for n in 0..20 {
        let made_up = format!("more-{n}");
        assert_eq!(server.check(&verifier, &KEYS.stranger, &made_up).await, "unknown_key");
    }
    assert_eq!(server.fetches(), 7, "one in half a minute");
    clock.advance(Duration::from_secs(3600));
    for n in 0..20 {
        let made_up = format!("later-{n}");
        assert_eq!(server.check(&verifier, &KEYS.stranger, &made_up).await, "unknown_key");
    }
    assert_eq!(server.fetches(), 7 + 5, "silence fills the bucket, and no more than that");
}

/// Nobody made up any key ids: a new key is found at once.
#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    let rotated = SigningKey::p256("rotated");
    server.write_keys(&[&KEYS.es256, &rotated]);
    assert_eq!(server.check(&verifier, &rotated, "rotated").await, "ok");
}

/// `kid` is optional (RFC 7515 §4.1.4): an issuer with one key may leave it out and replace the key.
#[tokio::test]
async fn a_new_key_is_found_where_tokens_name_none() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check_unnamed(&verifier, &KEYS.es256).await, "ok");
    let next = SigningKey::p256("next");
    server.write_keys(&[&next]);
    assert_eq!(server.check_unnamed(&verifier, &next).await, "ok");
    assert_eq!(server.fetches(), 2);
    assert_eq!(server.check_unnamed(&verifier, &KEYS.es256).await, "bad_signature", "withdrawn");
    for _ in 0..20 {
        assert_eq!(server.check_unnamed(&verifier, &KEYS.stranger).await, "bad_signature");
    }
    assert_eq!(server.fetches(), 1 + 5, "a burst, as for unknown keys");
    assert_eq!(server.check_unnamed(&verifier, &next).await, "ok");
    server.write_keys(&[&next, &KEYS.es256]);
    clock.advance(Duration::from_secs(31));
    assert_eq!(server.check_unnamed(&verifier, &KEYS.es256).await, "unnamed_key", "one of two");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_for_a_day_are_no_longer_believed() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    let check = async |n: u32| {
        let fresh = claims(json!({ "iss": server.url, "exp": issuer::NOW + 200_000, "jti": n }));
        let token = KEYS.es256.sign(&issuer::header(json!({})), &fresh.to_string());
        verify(&verifier, &token).await.map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(check(0).await, "ok");
    server.write("/jwks", Document::Status(503));
    clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(check(1).await, "ok", "an outage of the issuer");
    clock.advance(Duration::from_secs(3601));
    assert_eq!(check(2).await, "unavailable", "one of the keys may have been withdrawn");
    server.write_keys(&[&KEYS.es256]);
    clock.advance(Duration::from_secs(61));
    assert_eq!(check(3).await, "ok");
}

#[tokio::test]
async fn keys_that_are_kept_outlive_an_outage_and_keys_that_were_withdrawn_do_not() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    server.write("/jwks", Document::Status(503));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    let other = SigningKey::p256("other");
    server.write_keys(&[&other]);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(server.check(&verifier, &other, "other").await, "ok");
    let header = issuer::header(json!({}));
    let fresh = claims(json!({ "iss": server.url, "exp": issuer::NOW + 90_000, "jti": "2" }));
    let refused = verify(&verifier, &KEYS.es256.sign(&header, &fresh.to_string())).await;
    assert_eq!(refused.unwrap_err().code(), "unknown_key", "it was withdrawn");
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_not_believed_once_more() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    server.write_keys(&[&SigningKey::p256("other")]);
    clock.advance(Duration::from_secs(3600));
    let fresh = claims(json!({ "iss": server.url, "exp": issuer::NOW + 90_000, "jti": "2" }));
    let token = KEYS.es256.sign(&issuer::header(json!({})), &fresh.to_string());
    assert_eq!(verify(&verifier, &token).await.unwrap_err().code(), "unknown_key");
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_asked_for_every_request() {
    let server = Server::start().await;
    server.write("/jwks", Document::Status(503));
    let clock = clock();
    let verifier = server.verifier(&clock);
    for _ in 0..20 {
        assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "unavailable");
    }
    assert_eq!(server.fetches(), 1);
    server.write_keys(&[&KEYS.es256]);
    clock.advance(Duration::from_secs(6));
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
}

#[tokio::test]
async fn an_issuer_that_never_answers_is_an_outage() {
    let server = Server::start().await;
    server.write("/jwks", Document::Never);
    let verifier = server.verifier(&clock());
    let found = tokio::time::timeout(
        Duration::from_secs(60),
        server.check(&verifier, &KEYS.es256, "es256"),
    );
    assert_eq!(found.await.expect("it is not waited for"), "unavailable");
}

#[tokio::test]
async fn a_cached_key_set_does_not_wait_for_an_issuer_that_hangs() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    server.write("/jwks", Document::Never);
    clock.advance(Duration::from_secs(3600));
    // Each token is a new one, so that none is remembered.
    let check = async |n: u32| {
        let began = std::time::Instant::now();
        let fresh = claims(json!({ "iss": server.url, "exp": issuer::NOW + 90_000, "jti": n }));
        let token = KEYS.es256.sign(&issuer::header(json!({})), &fresh.to_string());
        assert!(verify(&verifier, &token).await.is_ok());
        began.elapsed()
    };
    // A caller waits for a second at most, and the fetch ends after five.
    let second = Duration::from_secs(1);
    assert!(check(0).await < 5 * second, "newer keys are waited for, a little");
    let mut waited = Duration::ZERO;
    for n in 1..5 {
        waited += check(n).await;
    }
    assert!(waited < 4 * second, "not by every caller: {waited:?}");
    let fetches = server.fetches();
    assert_eq!(fetches, 2, "and one asks for all");
    // When the fetch has ended, nobody waits at all.
    while server.check(&verifier, &KEYS.stranger, "unknown").await != "unavailable" {}
    clock.advance(Duration::from_secs(61));
    assert!(check(9).await < second);
    while server.fetches() == fetches {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_key_that_nobody_can_look_up_is_an_outage() {
    let server = Server::start().await;
    server.write_keys(&[&KEYS.es256]);
    let clock = clock();
    let verifier = server.verifier(&clock);
    assert_eq!(server.check(&verifier, &KEYS.es256, "es256").await, "ok");
    let rotated = SigningKey::p256("rotated");
    server.write("/jwks", Document::Status(503));
    clock.advance(Duration::from_secs(61));
    for _ in 0..3 {
        let refused = verify(&verifier, &server.token(&rotated, "rotated")).await.unwrap_err();
        assert_eq!(refused.status(), 503, "{refused}");
        let AuthError::Unavailable { retry_after } = refused else { panic!("{refused}") };
        assert_eq!(retry_after, Duration::from_secs(60), "when the next try is");
    }
    assert_eq!(server.fetches(), 2);
    let elsewhere = KEYS.token(json!({ "iss": "https://other.example" }));
    assert_eq!(verify(&verifier, &elsewhere).await.unwrap_err().code(), "wrong_issuer");
    server.write_keys(&[&KEYS.es256, &rotated]);
    clock.advance(Duration::from_secs(61));
    assert_eq!(server.check(&verifier, &rotated, "rotated").await, "ok");
}

#[tokio::test]
async fn a_key_says_what_it_is_for() {
    let server = Server::start().await;
    let set = |changes: Value| {
        let mut key = serde_json::to_value(&KEYS.es256.jwk).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        Document::Json(json!({ "keys": [key, KEYS.es384.jwk] }))
    };
    for (changes, code) in [
        (json!({ "key_ops": ["verify"] }), "ok"),
        (json!({ "key_ops": ["sign", "verify"], "use": "sig" }), "ok"),
        (json!({ "key_ops": ["deriveKey"] }), "unknown_key"),
        (json!({ "key_ops": [] }), "unknown_key"),
        (json!({ "use": "enc" }), "unknown_key"),
        (json!({ "alg": "ES384" }), "unknown_key"),
    ] {
        server.write("/jwks", set(changes.clone()));
        let found = server.check(&server.verifier(&clock()), &KEYS.es256, "es256").await;
        assert_eq!(found, code, "{changes}");
    }
}

#[test]
fn plain_http_is_for_this_machine() {
    for url in ["http://login.example", "ftp://login.example", "login.example", ""] {
        assert!(oidc(url).is_err(), "{url}");
        assert!(jwks("https://login.example", url).is_err(), "{url}");
    }
    assert!(oidc("http://127.0.0.1:9400").is_ok());
}
