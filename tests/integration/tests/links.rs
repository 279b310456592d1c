//! Links of a server with an outside authorization server: who opens one signs in there, and must be
//! the person who called.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
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
    client::link_in,
    host::client_at,
    tools::list_issues,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use toolgate::{
    gate::{Gate, PeerAddress, SignIn, keys},
    grant::MemoryStore,
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = public.unwrap_or(&url).to_owned();
        let client = client_at(forge.url()).revoke(format!("{}/oauth/revoke", forge.url()));
        let app = toolgate::Server::new("linked", "1")
            .provider(client)
            .gate(Gate::new(verifier).sign_in(SignIn::client("links").secret("the-secret")))
            .tools(tools![list_issues])
            .store(MemoryStore::new())
            .public_url(&public)
            .build()
            .await
            .unwrap();
        let router = app.into_router().layer(middleware::from_fn(peer_from_header));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, public, login, forge }
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
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "list_issues",
            "arguments": { "owner": "alice", "repo": "compass" },
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
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

#[tokio::test]
async fn the_person_who_called_signs_in_and_connects() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_ends(&page, 200, "Forge is connected");
    assert!(server.says("alice").await.contains("compass drifts"));

    let asked = server.asked().pop().unwrap();
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "links");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], format!("{}/signed-in", server.url));
    assert_eq!(asked["resource"], format!("{}/mcp", server.url));
}

#[tokio::test]
async fn another_person_does_not_connect_and_is_signed_out_again() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("bob").await;
    assert_ends(&browser.open(&link).await, 403, "This link is for another person");
    assert!(server.says("alice").await.contains("not connected"));
    // The same browser, once it is alice's, is asked again.
    server.be(&browser, "alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_ends(&page, 200, "Forge is connected");
}

#[tokio::test]
async fn nobody_is_nobody() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let page = Browser::new().open(&link).await;
    assert_eq!(page.body, "Sign in first");
    let forged = reqwest::Client::new().get(&link).header("cookie", "toolgate-person=alice");
    assert!(forged.send().await.unwrap().url().path().contains("/authorize"));
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let waiting = Browser::new();
    waiting.open(&link).await;
    let state = server.asked().pop().unwrap()["state"].clone();
    let issuer = server.login.0.lock().unwrap().url.clone();
    let answer = format!("{}/signed-in?code=code-1&state={state}&iss={issuer}", server.url);
    assert_ends(&Browser::new().open(&answer).await, 403, "not the browser that started");
    let name = format!(
        "toolgate-sign-in-{}=guessed",
        state[..16].chars().filter(char::is_ascii_alphanumeric).collect::<String>()
    );
    let forged = reqwest::Client::new().get(&answer).header("cookie", name).send().await.unwrap();
    assert_eq!(forged.status(), 410);
    // It is not used up.
    server.be(&waiting, "alice").await;
    let page = waiting.open(&link).await;
    assert!(page.url.path() == "/oauth/authorize", "forge is next: {}", page.url);
    let replayed = page.visited.iter().find(|url| url.path() == "/signed-in").unwrap();
    assert_ends(&waiting.open(replayed.as_str()).await, 410, "no longer good");
    for state in ["", "x", "../..", "%0d%0aset-cookie:a=b", "\u{e9}\u{e9}\u{e9}"] {
        let page = Browser::new().open(&format!("{}/signed-in?state={state}", server.url)).await;
        assert_ends(&page, 403, "not the browser that started");
    }
}

#[tokio::test]
async fn what_is_no_sign_in_connects_nobody() {
    for (fault, status, says) in [
        ("other issuer", 403, "comes from another issuer"),
        ("no issuer", 403, "does not say from which issuer"),
        ("denies", 403, "answered `access_denied`"),
        ("other audience", 500, "This server failed"),
        ("machine", 500, "This server failed"),
        ("expired", 500, "This server failed"),
        ("down", 500, "This server failed"),
        ("plain", 500, "This server failed"),
    ] {
        let server = Linked::start().await;
        let link = server.link("alice").await;
        server.fault(fault);
        let browser = server.browser("alice").await;
        assert_ends(&browser.open(&link).await, status, says);
        server.fault("");
        let page = browser.open(&link).await;
        assert!(
            page.url.path() == "/oauth/authorize",
            "{fault}: the link stays good: {}",
            page.url
        );
    }
}

#[tokio::test]
async fn a_stranger_without_a_link_sends_nobody_anywhere() {
    let server = Linked::start().await;
    for link in ["unknown", "..%2f..", ""] {
        let page = Browser::new().open(&format!("{}/sign-in/{link}", server.url)).await;
        assert!(matches!(page.status.as_u16(), 404 | 410), "{link}: {}", page.status);
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn over_https_no_other_host_plants_a_cookie() {
    let public = "https://tools.example";
    let server = Linked::known_as(Some(public)).await;
    let said = server.says("alice").await;
    let link = &said[said.find(public).expect("a link")..];
    let link = link.split_whitespace().next().unwrap().replace(public, &server.url);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let open = async |url: &str, cookie: &str| {
        http.get(url).header("cookie", cookie).send().await.unwrap()
    };
    let to = |response: &reqwest::Response| {
        response.headers()["location"].to_str().unwrap_or_default().to_owned()
    };
    let to_sign_in = to(&open(&link, "").await);
    assert!(to_sign_in.starts_with("/sign-in/"), "{to_sign_in}");
    assert_eq!(to(&open(&link, "toolgate-person=planted").await), to_sign_in);

    let departs = open(&format!("{}{to_sign_in}", server.url), "").await;
    let set = departs.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-toolgate-sign-in-") && set.contains("; Path=/; "), "{set}");
    assert!(set.contains("; Secure; ") && set.contains("; HttpOnly; "), "{set}");
    let cookie = set.split(';').next().unwrap();
    let location = url::Url::parse(&to(&departs)).unwrap();
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = format!("{}/signed-in?error=access_denied&state={state}", server.url);
    let without_prefix = cookie.trim_start_matches("__Host-");
    for planted in [without_prefix.to_owned(), format!("{cookie}; {cookie}"), String::new()] {
        let page = open(&answer, &planted).await.text().await.unwrap();
        assert!(page.contains("not the browser that started"), "{planted}: {page}");
    }
    let page = open(&answer, cookie).await.text().await.unwrap();
    assert!(page.contains("does not say from which issuer"), "its own browser goes on: {page}");
}

#[tokio::test]
async fn a_person_sees_what_is_connected_and_takes_it_back() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("href=\"/accounts\""), "{}", page.body);

    let accounts = format!("{}/accounts", server.url);
    let page = browser.open(&accounts).await;
    assert_ends(&page, 200, "Disconnect Forge");
    assert!(page.body.contains("repo:read"), "{}", page.body);
    let bobs = server.browser("bob").await;
    assert_ends(&bobs.open(&accounts).await, 200, "Nothing is connected");

    let page = browser.open(&accounts).await;
    let elsewhere: [&[(&str, &str)]; 3] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
    ];
    for headers in elsewhere {
        assert_ends(&browser.send(&page, &[], headers).await, 403, "Nothing was changed");
    }
    let guessed = browser.send(&page, &[("csrf", "guess")], &[]).await;
    assert_ends(&guessed, 403, "Nothing was changed");
    let empty = browser.send(&page, &[("csrf", "")], &[]).await;
    assert_ends(&empty, 403, "Nothing was changed");
    assert_ends(&bobs.send(&page, &[], &[]).await, 403, "Nothing was changed");
    for csrf in ["guess", ""] {
        let page = Browser::new().send(&page, &[("csrf", csrf)], &[]).await;
        assert_ends(&page, 403, "Nothing was changed");
    }
    let unknown = browser.send(&page, &[("provider", "other")], &[]).await;
    assert_ends(&unknown, 400, "belongs to nothing");
    assert!(server.says("alice").await.contains("compass drifts"), "it is still connected");

    let done = browser.send(&page, &[], &[("sec-fetch-site", "same-origin")]).await;
    assert_ends(&done, 200, "Forge has revoked the access");
    assert!(server.says("alice").await.contains("not connected"));
    assert_ends(&browser.open(&accounts).await, 200, "Nothing is connected");
}

/// Waits for what has to happen, and fails after a while.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), until).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_disconnected_account_is_revoked_although_the_browser_leaves() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    browser.at_forge(page, "alice", "approve").await;
    let page = browser.open(&format!("{}/accounts", server.url)).await;

    let held = server.forge.faults().hold_revoke();
    let leaving = browser.clone();
    let post = tokio::spawn(async move { leaving.send(&page, &[], &[]).await });
    timeout(Duration::from_secs(30), held.reached(1)).await.expect("the provider is asked");
    post.abort();
    assert!(post.await.unwrap_err().is_cancelled(), "the browser is closed");
    // A connection that is opened later: the server has seen the other one close.
    Browser::new().open(&format!("{}/connect.css", server.url)).await;
    drop(held);
    eventually("both tokens are revoked", || server.forge.counts().revocations == 2).await;
    assert!(server.says("alice").await.contains("not connected"));
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_limited_and_does_not_lock_others_out() {
    let server = Linked::start().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let begin = async |peer: &str| {
        let request = http.get(format!("{}/sign-in", server.url)).header("x-peer", peer);
        request.send().await.unwrap()
    };
    let mut refused = None;
    for n in 0..200 {
        let answer = begin("192.0.2.1").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((n, answer));
            break;
        }
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    let (after, answer) = refused.expect("a 429 before the 200th request");
    assert!(after >= 10, "a person who tries again is not refused: {after}");
    let retry_after = answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    assert_eq!(begin("192.0.2.2").await.status(), StatusCode::SEE_OTHER, "another address");
    assert_eq!(server.login.0.lock().unwrap().metadata_fetches, 1);
}

#[tokio::test]
async fn one_person_cannot_fill_the_store_by_opening_a_link_again_and_again() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    browser.open(&link).await;
    let page = browser.open(&link).await;
    assert!(page.url.path() == "/oauth/authorize", "{}", page.url);
    let mut refused = None;
    for n in 0..200 {
        let page = browser.open(&link).await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
        assert!(page.url.path() == "/oauth/authorize", "{n}: {}", page.url);
    }
    assert_ends(&refused.expect("a 429 before the 200th"), 429, "Too many");
    // Another person, who has another address or none that is known, goes on.
    let link = server.link("bob").await;
    let request = reqwest::Client::new().get(&link).header("x-peer", "192.0.2.9");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "Sign in first");
}
