//! Both legs: a host that signs in with the broker, and the call with the token that it got.

use forge::{Config, Running};
use integration::{
    broker::{Application, Browser, Page},
    client::{call_message, link_in, message_request, text_of},
    host::client_at,
    recorder::Recorder,
    tools::{Forge, list_issues, open_issue},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    gate::{Gate, StepUp},
    grant::MemoryStore,
    tools,
};

use super::{assert_has, assert_order};

pub(super) struct Site {
    pub(super) url: String,
    pub(super) forge: Running,
    pub(super) recorder: Recorder,
}

impl Site {
    pub(super) async fn start() -> Self {
        let forge = forge::start(Config::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let recorder = Recorder::default();
        let app = toolgate::Server::new("traced", "1")
            .provider(client_at(forge.url()))
            .broker::<Forge>(|broker| broker.user("/user", "login"))
            .gate(Gate::for_broker().step_up(StepUp::Link))
            .tools(tools![list_issues, open_issue])
            .store(MemoryStore::new())
            .public_url(url.as_str())
            .observe(recorder.clone())
            .build()
            .await
            .unwrap();
        integration::host::serve_at(listener, app.into_router());
        Self { url, forge, recorder }
    }

    pub(super) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let body = call_message(tool, arguments);
        let request = message_request(&format!("{}/mcp", self.url), &body).bearer_auth(token);
        request.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn a_sign_in_is_traced_from_the_registration_to_the_call() {
    let site = Site::start().await;
    let recorder = &site.recorder;
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/oauth/jwks",
    ] {
        reqwest::get(format!("{}{path}", site.url)).await.unwrap();
    }
    let documents: Vec<Value> =
        recorder.all("metadata_read").iter().map(|event| event["document"].clone()).collect();
    assert_eq!(documents, ["protected_resource", "authorization_server", "jwks"]);

    let host = Application::register_named(&site.url, "Test Host").await;
    let registered = recorder.one("client_registered");
    assert_has(
        &registered,
        &json!({ "name": "Test Host", "confidential": false, "refreshes": true }),
    );
    let client = registered["client"].clone();
    assert!(host.id.starts_with(client.as_str().unwrap().trim_end_matches('…')));

    recorder.clear();
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    assert_eq!(
        recorder.names(),
        [
            "authorization_begun",
            "broker_consent",
            "broker_consent",
            "authorization_requested",
            "callback_received",
            "code_exchanged",
            "code_issued",
            "tokens_issued",
        ]
    );
    let begun = recorder.one("authorization_begun");
    assert_has(
        &begun,
        &json!({ "client": client, "trust": "registered", "scopes": ["repo:read"] }),
    );
    for event in recorder.events() {
        assert_eq!(event["span"], begun["span"], "one authorization is one span: {event}");
    }
    let decisions: Vec<Value> =
        recorder.all("broker_consent").iter().map(|event| event["decision"].clone()).collect();
    assert_eq!(decisions, ["asked", "allowed"]);
    let requested = json!({ "flow": "broker", "provider": "forge", "origin": site.forge.url() });
    assert_has(&recorder.one("authorization_requested"), &requested);
    assert_has(&recorder.one("callback_received"), &json!({ "flow": "broker", "outcome": "code" }));
    assert_has(&recorder.one("code_exchanged"), &json!({ "flow": "broker", "outcome": "done" }));
    assert_has(
        &recorder.one("code_issued"),
        &json!({ "subject": "forge:alice", "granted": ["repo:read"], "withheld": [] }),
    );
    let issued = recorder.one("tokens_issued");
    assert_has(
        &issued,
        &json!({
            "client": client,
            "grant_type": "authorization_code",
            "scopes": ["repo:read"],
            "refresh_token": true,
        }),
    );

    recorder.clear();
    let token = tokens.text("access_token");
    let arguments = json!({ "owner": "alice", "repo": "compass", "limit": 3 });
    site.call(&token, "list_issues", arguments).await;
    let authenticated = recorder.one("authenticated");
    assert_eq!(authenticated["sign_in"], issued["sign_in"], "the call is of that sign-in");
    assert_eq!(authenticated["caller"]["subject"], "forge:alice");
    assert_order(
        &recorder.names(),
        &["authenticated", "scopes_checked", "upstream_request", "call_ended"],
    );
}

#[tokio::test]
async fn tokens_that_are_refreshed_reused_and_refused_are_traced() {
    let site = Site::start().await;
    let recorder = &site.recorder;
    let host = Application::register_named(&site.url, "Test Host").await;
    let browser = Browser::new();
    let code = host.walk(&browser, "repo:read", "alice").await.code().to_owned();
    let tokens = host.redeem(&code).await;
    let sign_in = recorder.one("tokens_issued")["sign_in"].clone();
    recorder.clear();
    let first = tokens.text("refresh_token");
    host.refresh(&first).await;
    let refreshed = json!({ "grant_type": "refresh_token", "span": sign_in, "sign_in": sign_in });
    assert_has(&recorder.one("tokens_issued"), &refreshed);
    host.refresh(&first).await;
    let reused = json!({ "grant_type": "refresh_token", "outcome": "tolerated", "span": sign_in });
    assert_has(&recorder.one("token_reused"), &reused);

    recorder.clear();
    assert_eq!(host.redeem(&code).await.status, 400);
    let ended = json!({ "grant_type": "authorization_code", "outcome": "ended", "span": sign_in });
    assert_has(&recorder.one("token_reused"), &ended);
    assert_has(
        &recorder.one("token_request_refused"),
        &json!({
            "grant_type": "authorization_code",
            "code": "invalid_grant",
            "detail": "the code was used before; its tokens are revoked",
        }),
    );

    recorder.clear();
    browser.open(&host.link("repo:read", &[("code_challenge_method", "plain")])).await;
    let not_s256 = recorder.one("authorization_refused");
    assert_has(&not_s256, &json!({ "code": "invalid_request" }));
    let body = json!({ "redirect_uris": ["javascript:alert(1)"] });
    let url = format!("{}/oauth/register", site.url);
    reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    let registration = recorder.one("registration_refused");
    assert_has(&registration, &json!({ "code": "invalid_redirect_uri" }));
}

#[tokio::test]
async fn a_step_up_is_traced_from_the_call_to_the_wider_sign_in() {
    let site = Site::start().await;
    let recorder = &site.recorder;
    let host = Application::register_named(&site.url, "Test Host").await;
    let browser = Browser::new();
    let token = host.sign_in(&browser, "repo:read", "alice").await.text("access_token");
    recorder.clear();
    let arguments = json!({ "owner": "alice", "repo": "compass", "title": "It spins" });
    let answer = site.call(&token, "open_issue", arguments.clone()).await;
    let asked = recorder.one("step_up");
    assert_has(
        &asked,
        &json!({ "tool": "open_issue", "outcome": "link", "missing": ["repo:write"] }),
    );
    assert_has(&recorder.one("scopes_checked"), &json!({ "outcome": "missing" }));
    assert_has(&recorder.one("call_ended"), &json!({ "outcome": "consent_asked" }));

    recorder.clear();
    let link = link_in(&text_of(&answer));
    let page: Page = browser.open(&link).await;
    let page = browser.send(&page, &[("decision", "allow")], &[]).await;
    browser.at_forge(page, "alice", "approve").await;
    let decisions: Vec<Value> =
        recorder.all("step_up_decided").iter().map(|event| event["decision"].clone()).collect();
    assert_eq!(decisions, ["asked", "allowed"]);
    for name in ["step_up_decided", "authorization_requested", "code_exchanged"] {
        for event in recorder.all(name) {
            assert_eq!(event["span"], asked["step_up"], "{event}");
        }
    }
    assert_has(&recorder.one("authorization_requested"), &json!({ "flow": "step_up" }));

    recorder.clear();
    site.call(&token, "open_issue", arguments).await;
    assert_has(&recorder.one("step_up"), &json!({ "outcome": "widened" }));
    assert_has(&recorder.one("call_ended"), &json!({ "outcome": "done" }));
}
