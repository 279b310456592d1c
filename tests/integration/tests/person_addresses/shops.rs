//! Shops: a provider of which each person has one of their own, at an origin of its own.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::json;
use tokio::{net::TcpListener, sync::Notify};
use toolgate::{prelude::*, provider::OAuthClient};

/// Shops that are each at an address of their own.
#[provider(
    api = "https://{shop}.shops.example/api",
    authorize = "https://{shop}.shops.example/authorize",
    token = "https://{shop}.shops.example/token",
    revoke = "https://{shop}.shops.example/revoke",
    client_auth = body,
    placeholders(shop(from = person, label = "The name of your shop"))
)]
pub(super) enum Shops {
    /// See orders.
    #[scope("orders", access = read)]
    Orders,
    /// See customers.
    #[scope("customers", access = read)]
    Customers,
}

/// Lists the orders of a shop.
#[tool(scopes = "orders")]
pub(super) async fn orders(shops: AuthedClient<Shops>) -> Result<String> {
    shops.get("/orders").send().await?.text().await
}

/// Lists the customers of a shop.
#[tool(scopes = ["orders", "customers"])]
pub(super) async fn customers(shops: AuthedClient<Shops>) -> Result<String> {
    shops.get("/orders").send().await?.text().await
}

/// A client of shops on this machine: the name of a shop is its port, so that each has an origin.
pub(super) fn client() -> OAuthClient<Shops> {
    Shops::client("toolgate")
        .secret("client-secret")
        .api("http://127.0.0.1:{shop}/api")
        .authorize("http://127.0.0.1:{shop}/authorize")
        .token("http://127.0.0.1:{shop}/token")
        .revoke("http://127.0.0.1:{shop}/revoke")
}

/// A shop, and all that it was sent.
#[derive(Clone, Default)]
pub(super) struct Shop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    port: Mutex<String>,
    seen: Mutex<Vec<String>>,
    counter: Mutex<usize>,
    /// Access tokens that it refuses.
    dead: Mutex<Vec<String>>,
    /// Whether a response to a code has no refresh token.
    without_refresh: Mutex<bool>,
    /// A request of the API waits until the test goes on.
    held: Mutex<bool>,
    asked: Notify,
    answer: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shop {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self::default();
        *lock(&shop.0.port) = listener.local_addr().unwrap().port().to_string();
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/api/orders", get(list))
            .with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        shop
    }

    /// Its port, which is its name.
    pub(super) fn name(&self) -> String {
        lock(&self.0.port).clone()
    }

    fn issue(&self, kind: &str) -> String {
        let mut counter = lock(&self.0.counter);
        *counter += 1;
        format!("{}-{kind}-{counter}", self.name())
    }

    fn note(&self, what: &str) {
        lock(&self.0.seen).push(what.to_owned());
    }

    /// Everything that was sent: a word for the endpoint, and the secret.
    pub(super) fn seen(&self) -> Vec<String> {
        lock(&self.0.seen).clone()
    }

    /// How many requests of this kind it had.
    pub(super) fn count(&self, kind: &str) -> usize {
        self.seen().iter().filter(|seen| seen.starts_with(kind)).count()
    }

    /// Fails if it was sent a secret that another one issued.
    pub(super) fn assert_no_foreign_secret(&self) {
        let own = format!(" {}-", self.name());
        for seen in self.seen() {
            assert!(seen.contains(&own), "`{seen}` is not of shop {}", self.name());
        }
    }

    /// Refuses all access tokens that were issued until now.
    pub(super) fn expire_access_tokens(&self) {
        let last = *lock(&self.0.counter);
        let issued = (1..=last).map(|number| format!("{}-access-{number}", self.name()));
        *lock(&self.0.dead) = issued.collect();
    }

    pub(super) fn give_no_refresh_tokens(&self) {
        *lock(&self.0.without_refresh) = true;
    }

    /// Holds the next request of the API.
    pub(super) fn hold(&self) {
        *lock(&self.0.held) = true;
    }

    pub(super) async fn is_asked(&self) {
        self.0.asked.notified().await;
    }

    pub(super) fn go_on(&self) {
        *lock(&self.0.held) = false;
        self.0.answer.notify_one();
    }
}

#[derive(serde::Deserialize)]
struct Ask {
    redirect_uri: String,
    state: String,
}

async fn authorize(State(shop): State<Shop>, Query(ask): Query<Ask>) -> impl IntoResponse {
    let code = shop.issue("code");
    let target = format!("{}?code={code}&state={}", ask.redirect_uri, ask.state);
    (StatusCode::FOUND, [(header::LOCATION, target)])
}

#[derive(serde::Deserialize)]
struct Redeem {
    code: Option<String>,
    refresh_token: Option<String>,
    client_secret: String,
}

async fn token(State(shop): State<Shop>, Form(sent): Form<Redeem>) -> impl IntoResponse {
    assert_eq!(sent.client_secret, "client-secret");
    let is_refresh = sent.refresh_token.is_some();
    let secret = sent.code.or(sent.refresh_token).unwrap();
    shop.note(&format!("{} {secret}", if is_refresh { "refresh" } else { "code" }));
    let mut tokens = json!({
        "access_token": shop.issue("access"),
        "token_type": "Bearer",
        "expires_in": 600,
        // It cannot say where the person's shop is.
        "shop": "evil",
    });
    if !*lock(&shop.0.without_refresh) {
        tokens["refresh_token"] = json!(shop.issue("refresh"));
    }
    Json(tokens)
}

#[derive(serde::Deserialize)]
struct Revoke {
    token: String,
}

async fn revoke(State(shop): State<Shop>, Form(sent): Form<Revoke>) -> impl IntoResponse {
    shop.note(&format!("revoke {}", sent.token));
    Json(json!({}))
}

async fn list(State(shop): State<Shop>, headers: HeaderMap) -> impl IntoResponse {
    let sent = headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap();
    let token = sent.strip_prefix("Bearer ").unwrap().to_owned();
    shop.note(&format!("api {token}"));
    if *lock(&shop.0.held) {
        shop.0.asked.notify_one();
        shop.0.answer.notified().await;
    }
    let is_own = token.starts_with(&format!("{}-access-", shop.name()));
    if !is_own || lock(&shop.0.dead).contains(&token) {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    (StatusCode::OK, format!("the orders of {}", shop.name()))
}
