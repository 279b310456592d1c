//! An authorization server that exchanges tokens, and the API that they are for.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use axum::{
    Form, Json, Router,
    extract::State,
    routing::{any, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A request to the token endpoint.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) form: HashMap<String, String>,
    pub(super) authorization: Option<String>,
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) url: String,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    exchanges: Mutex<Vec<Exchange>>,
    /// What the token endpoint answers, if not a token.
    answer: Mutex<Option<(u16, Value)>>,
    /// Members of the response with a token, in the place of the usual ones.
    members: Mutex<Value>,
    /// Subject and scopes of each token that the API accepts.
    issued: Mutex<HashMap<String, (String, String)>>,
    /// Tokens that the API got.
    sent: Mutex<Vec<String>>,
    refuses_all: AtomicBool,
}

impl World {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Shared::default());
        let router = Router::new()
            .route("/token", post(token))
            .route("/api/{*path}", any(api))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.state.exchanges.lock().unwrap().clone()
    }

    /// The tokens that the API got.
    pub(super) fn sent(&self) -> Vec<String> {
        self.state.sent.lock().unwrap().clone()
    }

    /// The tokens that were issued.
    pub(super) fn issued(&self) -> Vec<String> {
        self.state.issued.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn answer(&self, status: u16, body: Value) {
        *self.state.answer.lock().unwrap() = Some((status, body));
    }

    pub(super) fn answer_error(&self, status: u16, code: &str) {
        self.answer(status, json!({ "error": code, "error_description": "in words" }));
    }

    pub(super) fn exchange_again(&self) {
        *self.state.answer.lock().unwrap() = None;
    }

    /// Puts these members into responses with a token; `null` leaves one out.
    pub(super) fn respond_with(&self, members: Value) {
        *self.state.members.lock().unwrap() = members;
    }

    /// The API accepts no token that was issued so far.
    pub(super) fn forget_tokens(&self) {
        self.state.issued.lock().unwrap().clear();
    }

    pub(super) fn refuse_all_tokens(&self) {
        self.state.refuses_all.store(true, SeqCst);
    }
}

/// The subject of a token: the claim of a JWT, or the text itself.
fn subject(token: &str) -> String {
    let payload = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
    claims.and_then(|claims| claims["sub"].as_str().map(str::to_owned)).unwrap_or(token.to_owned())
}

async fn token(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let authorization = headers.get("authorization");
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let number = {
        let mut exchanges = state.exchanges.lock().unwrap();
        exchanges.push(Exchange { form: form.clone(), authorization });
        exchanges.len()
    };
    if let Some((status, body)) = state.answer.lock().unwrap().clone() {
        return (StatusCode::from_u16(status).unwrap(), Json(body));
    }
    let subject = subject(&form["subject_token"]);
    let scope = form.get("scope").cloned().unwrap_or_default();
    let token = format!("exchanged-{number}-{subject}");
    let mut body = json!({
        "access_token": token,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": scope,
    });
    if let Some(members) = state.members.lock().unwrap().as_object() {
        body.as_object_mut().unwrap().extend(members.clone());
    }
    state.issued.lock().unwrap().insert(token, (subject, scope));
    (StatusCode::OK, Json(body))
}

async fn api(State(state): State<Arc<Shared>>, headers: HeaderMap) -> (StatusCode, String) {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    state.sent.lock().unwrap().push(token.to_owned());
    let issued = state.issued.lock().unwrap().get(token).cloned();
    match issued.filter(|_| !state.refuses_all.load(SeqCst)) {
        Some((subject, scope)) => (StatusCode::OK, format!("{subject} with {scope}")),
        None => (StatusCode::UNAUTHORIZED, String::new()),
    }
}
