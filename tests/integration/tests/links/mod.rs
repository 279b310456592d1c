//! Links of a server with an outside authorization server: the person who opens one signs in there,
//! and must be the person who called.

mod accounts;
mod limits;
mod sign_in;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use forge::{Config, Running};
use integration::{
    broker::{Browser, Page, listen, s256},
    client::{call_message, link_in},
    deployment::Deployment,
    host::client_at,
    recorder::Recorder,
    tools::list_issues,
};
use serde_json::{Value, json};
use toolgate::{
    gate::{Gate, PeerAddress, SignIn, keys},
    grant::{MemoryStore, SystemClock},
    prelude::*,
    testing::Issuer,
};

/// An authorization server, at which a browser is whom its cookie names.
#[derive(Clone)]
struct Login(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    url: String,
    issuer: Issuer,
    codes: HashMap<String, HashMap<String, String>>,
    /// How often the metadata was fetched.
    metadata_fetches: u32,
    /// What the authorization endpoint was asked.
    asked: Vec<HashMap<String, String>>,
    fault: &'static str,
}

async fn metadata(State(login): State<Login>) -> Response {
    let mut seen = login.0.lock().unwrap();
    seen.metadata_fetches += 1;
    if seen.fault == "down" {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let url = &seen.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "authorization_response_iss_parameter_supported": true,
        "code_challenge_methods_supported":
            if seen.fault == "plain" { json!(["plain"]) } else { json!(["plain", "S256"]) },
    }))
    .into_response()
}

async fn authorize(
    State(login): State<Login>,
    Query(mut query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut seen = login.0.lock().unwrap();
    seen.asked.push(query.clone());
    let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let Some(user) = cookie.split("; ").find_map(|pair| pair.strip_prefix("user=")) else {
        return Html("Sign in first").into_response();
    };
    let (back, state) = (query["redirect_uri"].clone(), query["state"].clone());
    let iss = match seen.fault {
        "other issuer" => "&iss=http://127.0.0.1:1".to_owned(),
        "no issuer" => String::new(),
        _ => format!("&iss={}", seen.url),
    };
    if seen.fault == "denies" {
        return Redirect::to(&format!("{back}?error=access_denied&state={state}{iss}"))
            .into_response();
    }
    let code = format!("code-{}", seen.asked.len());
    query.insert("user".to_owned(), user.to_owned());
    seen.codes.insert(code.clone(), query);
    Redirect::to(&format!("{back}?code={code}&state={state}{iss}")).into_response()
}

async fn token(
    State(login): State<Login>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let mut seen = login.0.lock().unwrap();
    let asked = seen.codes.remove(&form["code"]).expect("a code, once");
    // links:the-secret
    assert_eq!(headers["authorization"], "Basic bGlua3M6dGhlLXNlY3JldA==");
    assert_eq!(s256(&form["code_verifier"]), asked["code_challenge"]);
    assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
    assert_eq!(form["resource"], asked["resource"]);
    let mut token = seen
        .issuer
        .token(&asked["user"])
        .claim("iss", seen.url.clone())
        .audience(&form["resource"]);
    match seen.fault {
        "other audience" => token = token.audience("https://other.example/mcp"),
        "machine" => token = token.client_credentials(),
        "expired" => token = token.expired(),
        _ => {}
    }
    Json(json!({ "access_token": token.to_string(), "token_type": "Bearer", "expires_in": 300 }))
        .into_response()
}

/// The browser is this user from now on.
async fn be(axum::extract::Path(user): axum::extract::Path<String>) -> impl IntoResponse {
    ([("set-cookie", format!("user={user}; Path=/"))], "")
}

/// Takes the address of the peer from a header, as behind a proxy that is trusted.
async fn peer_from_header(mut request: Request, next: Next) -> Response {
    let peer = request.headers().get("x-peer").and_then(|peer| peer.to_str().ok()?.parse().ok());
    if let Some(peer) = peer {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    next.run(request).await
}

struct Linked {
    url: String,
    /// Where people think that it is.
    public: String,
    login: Login,
    forge: Running,
    recorder: Recorder,
}

impl Linked {
    async fn start() -> Self {
        Self::known_as(None).await
    }

    async fn known_as(public: Option<&str>) -> Self {
        let login = Login(Arc::default());
        let url = listen(|_| {
            Router::new()
                .route("/.well-known/oauth-authorization-server", get(metadata))
                .route("/authorize", get(authorize))
                .route("/token", post(token))
                .route("/be/{user}", get(be))
                .with_state(login.clone())
        })
        .await;
        login.0.lock().unwrap().url.clone_from(&url);
        let verifier = keys(url, login.0.lock().unwrap().issuer.jwks()).unwrap();
        let forge = forge::start(Config::default()).await.unwrap();
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let public = public.unwrap_or(&url).to_owned();
        let gate = Gate::new(verifier).sign_in(SignIn::client("links").secret("the-secret"));
        let recorder = Recorder::default();
        let server = || {
            toolgate::Server::new("linked", "1")
                .provider(client_at(forge.url()).revoke(format!("{}/oauth/revoke", forge.url())))
                .gate(gate.clone())
                .tools(tools![list_issues])
                .public_url(&public)
                .observe(recorder.clone())
        };
        let finish = |router: Router| router.layer(middleware::from_fn(peer_from_header));
        let clock = Arc::new(SystemClock);
        deployment.serve_router(MemoryStore::new(), &clock, server, finish).await;
        Self { url, public, login, forge, recorder }
    }

    fn fault(&self, fault: &'static str) {
        self.login.0.lock().unwrap().fault = fault;
    }

    fn asked(&self) -> Vec<HashMap<String, String>> {
        self.login.0.lock().unwrap().asked.clone()
    }

    async fn says(&self, user: &str) -> String {
        let token = {
            let seen = self.login.0.lock().unwrap();
            let resource = format!("{}/mcp", self.public);
            seen.issuer.token(user).claim("iss", seen.url.clone()).audience(resource).to_string()
        };
        let body = call_message("list_issues", json!({ "owner": "alice", "repo": "compass" }));
        let request = reqwest::Client::new()
            .post(format!("{}/mcp", self.url))
            .header("host", self.public.split('/').nth(2).unwrap())
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "list_issues")
            .bearer_auth(token)
            .json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// A link of this person's.
    async fn link(&self, user: &str) -> String {
        link_in(&self.says(user).await)
    }

    /// A browser that is this user at the authorization server.
    async fn browser(&self, user: &str) -> Browser {
        let browser = Browser::new();
        self.be(&browser, user).await;
        browser
    }

    async fn be(&self, browser: &Browser, user: &str) {
        let url = self.login.0.lock().unwrap().url.clone();
        browser.open(&format!("{url}/be/{user}")).await;
    }
}

fn assert_ends(page: &Page, status: u16, says: &str) {
    assert_eq!(page.status.as_u16(), status, "{}", page.body);
    assert!(page.body.contains(says), "{says} is not in {}", page.body);
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(page.header("cache-control"), "no-store");
}
