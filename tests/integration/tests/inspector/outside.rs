//! The page with an authorization server that is not this server: it is an OAuth client of its own.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::testing::Issuer;

use super::{Inspected, command, response};

/// An authorization server at which everyone is alice.
#[derive(Clone)]
struct Outside {
    url: String,
    issuer: Issuer,
    seen: Arc<Mutex<Seen>>,
}

/// What the authorization server was asked.
#[derive(Default)]
struct Seen {
    redirect_uri: String,
    authorization: Vec<(String, String)>,
    revoked: Vec<String>,
}

type Pairs = Vec<(String, String)>;

fn value<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| &**value).unwrap_or_default()
}

impl Outside {
    async fn start(registers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let outside = Self { url, issuer: Issuer::new(), seen: Arc::default() };
        let mut router = Router::new()
            .route("/jwks", get(async |State(it): State<Self>| Json(json!(it.issuer.jwks()))))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke));
        if registers {
            router = router.route("/register", post(register));
        }
        let metadata = get(async move |State(it): State<Self>| {
            let mut metadata = json!({
                "issuer": it.url,
                "authorization_endpoint": format!("{}/authorize", it.url),
                "token_endpoint": format!("{}/token", it.url),
                "revocation_endpoint": format!("{}/revoke", it.url),
                "jwks_uri": format!("{}/jwks", it.url),
                "code_challenge_methods_supported": ["S256"],
                "response_types_supported": ["code"],
            });
            if registers {
                metadata["registration_endpoint"] = json!(format!("{}/register", it.url));
            }
            Json(metadata)
        });
        let router = router.route("/.well-known/oauth-authorization-server", metadata);
        let served = router.with_state(outside.clone());
        tokio::spawn(async move { axum::serve(listener, served).await });
        outside
    }

    /// The inspector of a server that trusts this authorization server.
    async fn inspected(&self) -> Inspected {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(env!("CARGO_BIN_EXE_inspected"), data.path());
        command.env("ISSUER", &self.url);
        Inspected::run(command, data).await
    }
}

async fn register(State(outside): State<Outside>, Json(client): Json<Value>) -> Response {
    let redirect_uri = client["redirect_uris"][0].as_str().unwrap_or_default();
    redirect_uri.clone_into(&mut outside.seen.lock().unwrap().redirect_uri);
    (StatusCode::CREATED, Json(json!({ "client_id": "registered" }))).into_response()
}

async fn authorize(State(outside): State<Outside>, Query(query): Query<Pairs>) -> Response {
    let redirect_uri = value(&query, "redirect_uri").to_owned();
    let mut seen = outside.seen.lock().unwrap();
    if redirect_uri != seen.redirect_uri || value(&query, "client_id") != "registered" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (state, issuer) = (value(&query, "state").to_owned(), outside.url.clone());
    seen.authorization = query;
    let url = format!("{redirect_uri}?code=the-code&state={state}&iss={issuer}");
    Redirect::to(&url).into_response()
}

async fn token(State(outside): State<Outside>, Form(form): Form<Pairs>) -> Response {
    let seen = outside.seen.lock().unwrap();
    let verifier = digest(&SHA256, value(&form, "code_verifier").as_bytes());
    let proved =
        BASE64_URL_SAFE_NO_PAD.encode(verifier) == value(&seen.authorization, "code_challenge");
    let known = match value(&form, "grant_type") {
        "authorization_code" => value(&form, "code") == "the-code" && proved,
        "refresh_token" => !seen.revoked.iter().any(|it| it == value(&form, "refresh_token")),
        _ => false,
    };
    if !known {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })))
            .into_response();
    }
    let token = outside.issuer.token("alice").claim("iss", outside.url.clone());
    let token = token.audience(value(&form, "resource")).scopes("orders:read");
    Json(json!({
        "access_token": token.to_string(), "token_type": "Bearer", "expires_in": 300,
        "refresh_token": "the-refresh-token",
    }))
    .into_response()
}

async fn revoke(State(outside): State<Outside>, Form(form): Form<Pairs>) -> StatusCode {
    outside.seen.lock().unwrap().revoked.push(value(&form, "token").to_owned());
    StatusCode::OK
}

#[tokio::test]
async fn the_page_registers_itself_and_signs_people_in() {
    let outside = Outside::start(true).await;
    let page = outside.inspected().await;
    assert_eq!(page.state().await["server"]["access"], "outside");
    assert_eq!(page.call(None, "orders", json!({})).await["status"], 401);

    let done = page.act(json!({ "act": "sign_in" })).await;
    let landed = reqwest::get(done["open"].as_str().unwrap()).await.unwrap();
    assert_eq!((landed.status().as_u16(), landed.url().path()), (200, "/inspector/callback"));
    {
        let seen = outside.seen.lock().unwrap();
        assert_eq!(value(&seen.authorization, "code_challenge_method"), "S256");
        assert_eq!(value(&seen.authorization, "resource"), format!("{}/mcp", page.origin));
    }
    let state = page.state().await;
    let token = &state["people"][0]["token"];
    assert_eq!(token["claims"]["sub"], "alice", "{state}");
    assert_eq!(token["faults"], json!(["revoke", "break_signature"]), "this server has no key");
    let id = state["people"][0]["id"].as_str().unwrap();
    let answered = page.call(Some(id), "orders", json!({})).await;
    assert_eq!(response(&answered)["result"]["content"][0]["text"], "the orders of alice");

    page.act(json!({ "act": "break_signature", "person": id })).await;
    assert_eq!(page.call(Some(id), "orders", json!({})).await["status"], 401);
    page.act(json!({ "act": "renew", "person": id })).await;
    assert_eq!(page.call(Some(id), "orders", json!({})).await["status"], 200);

    page.act(json!({ "act": "revoke", "person": id })).await;
    let revoked = outside.seen.lock().unwrap().revoked.clone();
    assert_eq!((revoked.len(), &*revoked[0]), (2, "the-refresh-token"));
    assert_eq!(page.state().await["people"][0]["token"]["fault"], "revoked");
    let refused = page.try_act(json!({ "act": "renew", "person": id })).await;
    assert_eq!(refused.status(), 400);
    let sentence = refused.text().await.unwrap();
    assert!(sentence.contains("invalid_grant"), "{sentence}");
}

#[tokio::test]
async fn without_registration_the_page_says_what_to_register() {
    let outside = Outside::start(false).await;
    let page = outside.inspected().await;
    let refused = page.try_act(json!({ "act": "sign_in" })).await;
    assert_eq!(refused.status(), 400);
    let sentence = refused.text().await.unwrap();
    let redirect_uri = format!("{}/inspector/callback", page.origin);
    for part in ["does not register clients", &redirect_uri, "TOOLGATE_INSPECTOR_CLIENT_ID"] {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
}
