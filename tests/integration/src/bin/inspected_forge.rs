//! The server of the inspector's browser tests as a program, over a forge of its own.
//!
//! A test gives orders at the URL in the file `orders` of `TOOLGATE_DATA`: `POST` an [`Order`]. With
//! `REQUESTS_PER_MINUTE` people have that limit, with `MORE_TOOLS` the server has other tools than
//! without, and with `INTROSPECTED` it asks an issuer for which no token is active.

use std::{
    env,
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, routing::post};
use forge::{Config, Held, Running};
use integration::inspected::{refund, server};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use toolgate::{
    dev,
    gate::{Gate, introspection},
    prelude::*,
};

/// What a test may order.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Sign a token with these claims.
    Token(Map<String, Value>),
    /// The next requests to forge's API get a status.
    ApiStatus { times: usize, status: u16, retry_after: Option<u32> },
    /// Access tokens of forge expire.
    Expire,
    /// Refresh tokens are refused, or no longer.
    RefuseRefresh(bool),
    /// Answers of forge's token endpoint wait, or no longer.
    HoldToken(bool),
    /// The user takes back what was granted.
    Revoke(String),
    /// How many refresh requests forge has answered with tokens.
    Refreshes,
}

struct Orders {
    forge: Running,
    held: Mutex<Option<Held>>,
}

async fn obey(State(orders): State<Arc<Orders>>, Json(order): Json<Order>) -> Json<Value> {
    let forge = &orders.forge;
    match order {
        Order::Token(claims) => {
            let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
            let token = dev::token(subject);
            let token =
                claims.into_iter().fold(token, |token, (name, value)| token.claim(name, value));
            return Json(token.to_string().into());
        }
        Order::ApiStatus { times, status, retry_after } => {
            forge.faults().api_status(times, status, retry_after);
        }
        Order::Expire => forge.expire_access_tokens(),
        Order::RefuseRefresh(refuse) => forge.faults().refuse_refresh(refuse),
        Order::HoldToken(waits) => {
            let held = waits.then(|| forge.faults().hold_token());
            *orders.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        }
        Order::Revoke(user) => forge.revoke_grants_of(&user),
        Order::Refreshes => return Json(forge.counts().refreshes.into()),
    }
    Json(Value::Null)
}

async fn inactive() -> Json<Value> {
    Json(json!({ "active": false }))
}

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::default().withhold("repo:delete");
    let forge = forge::start(config.redirect("http://127.0.0.1/callback/second")).await?;
    let mut server = server(forge.url());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    std::fs::write(Path::new(&env::var("TOOLGATE_DATA")?).join("orders"), &url)?;
    let orders = Arc::new(Orders { forge, held: Mutex::default() });
    let router = Router::new().route("/", post(obey)).with_state(orders);
    let router = router.route("/introspect", post(inactive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    if let Ok(limit) = env::var("REQUESTS_PER_MINUTE") {
        server = server.gate(Gate::for_broker().rate_limit_per_subject(limit.parse()?));
    }
    if env::var_os("MORE_TOOLS").is_some() {
        server = server.tools(tools![refund]);
    }
    if env::var_os("INTROSPECTED").is_some() {
        let verifier = introspection(&url, format!("{url}/introspect"), "orders", "secret")?;
        server = toolgate::server!().gate(Gate::new(verifier)).tools(tools![introspected]);
    }
    server.serve().await
}

/// Says who calls.
#[tool]
async fn introspected(caller: Caller) -> String {
    caller.subject().to_owned()
}
