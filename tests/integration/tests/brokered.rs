//! A server with a broker in front of a provider, as a host and its user meet it.

use std::{sync::Arc, time::SystemTime};

use forge::{Config, Running};
use integration::{
    broker::{Application, Browser, Page},
    client::{call_message, link_in, message_request, text_of},
    deployment::Deployment,
    host::client_at,
    tools::{add, list_issues, open_issue},
};
use serde_json::{Value, json};
use toolgate::{
    grant::{ManualClock, MemoryStore},
    prelude::*,
};

/// A second forge, with accounts of its own.
#[provider(
    api = "http://127.0.0.1:1/api",
    authorize = "http://127.0.0.1:1/oauth/authorize",
    token = "http://127.0.0.1:1/oauth/token"
)]
enum Second {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
}

/// Who the user is at the second forge.
#[tool(scopes = "repo:read")]
async fn who_am_i(second: AuthedClient<Second>) -> Result<String> {
    second.get("/user").send().await?.text().await
}

struct Brokered {
    url: String,
    forge: Running,
    _second: Running,
}

impl Brokered {
    async fn start() -> Self {
        Self::over(Config::default()).await
    }

    async fn over(config: Config) -> Self {
        let forge = forge::start(config).await.unwrap();
        let second = forge::start(Config::default().redirect("http://127.0.0.1/callback/second"));
        let second = second.await.unwrap();
        let deployment = Deployment::prepare().await;
        let url = deployment.url().to_owned();
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let of_second = || {
            Second::client(Config::CLIENT_ID)
                .secret(Config::CLIENT_SECRET)
                .api(format!("{}/api", second.url()))
                .authorize(format!("{}/oauth/authorize", second.url()))
                .token(format!("{}/oauth/token", second.url()))
        };
        let server = || {
            toolgate::Server::new("brokered", "1")
                .provider(client_at(forge.url()))
                .provider(of_second())
                .broker::<integration::tools::Forge>(|broker| broker.user("/user", "login"))
                .tools(tools![list_issues, open_issue, who_am_i, add])
                .clock(clock.clone())
                .public_url(url.as_str())
        };
        deployment.serve(MemoryStore::with_clock(clock.clone()), &clock, server).await;
        Self { url, forge, _second: second }
    }

    async fn call(&self, token: &str, tool: &str, arguments: Value) -> reqwest::Response {
        let body = call_message(tool, arguments);
        let mut request = message_request(&format!("{}/mcp", self.url), &body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }

    async fn said(&self, token: &str, tool: &str, arguments: Value) -> String {
        text_of(&self.call(token, tool, arguments).await.json().await.unwrap())
    }
}

fn compass() -> Value {
    json!({ "owner": "alice", "repo": "compass", "limit": 3 })
}

#[tokio::test]
async fn one_sign_in_and_the_tools_work_with_a_step_up_where_more_is_needed() {
    let server = Brokered::start().await;
    let refused = server.call("", "list_issues", compass()).await;
    assert_eq!(refused.status(), 401);
    let well_known = format!("{}/.well-known/oauth-protected-resource/mcp", server.url);
    let resource: Value = reqwest::get(well_known).await.unwrap().json().await.unwrap();
    assert_eq!(resource["resource"], format!("{}/mcp", server.url));
    assert_eq!(resource["authorization_servers"], json!([server.url]));
    assert_eq!(resource["scopes_supported"], json!(["repo:read"]));
    let metadata = format!("{}/.well-known/oauth-authorization-server", server.url);
    let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], server.url);

    let host = Application::register_at(&server.url).await;
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let token = tokens.text("access_token");
    let listed = server.said(&token, "list_issues", compass()).await;
    assert!(listed.contains("compass drifts"), "nobody is asked for anything more: {listed}");

    let titled = json!({ "owner": "alice", "repo": "compass", "title": "It spins" });
    let refused = server.call(&token, "open_issue", titled.clone()).await;
    assert_eq!(refused.status(), 403);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains(r#"scope="repo:write""#), "{challenge}");
    let wider = host.sign_in(&browser, "repo:read repo:write", "alice").await;
    let wider = wider.text("access_token");
    let opened = server.said(&wider, "open_issue", titled).await;
    assert!(opened.contains("It spins"), "{opened}");
}

#[tokio::test]
async fn what_is_withheld_twice_is_said_and_not_asked_for_until_the_token_is_refreshed() {
    let config = Config::default().withhold("repo:write").on_top("user:name=bob");
    let server = Brokered::over(config).await;
    let host = Application::register_at(&server.url).await;
    let browser = Browser::new();
    let titled = json!({ "owner": "bob", "repo": "compass", "title": "It spins" });
    let both = "repo:read repo:write";

    let first = host.sign_in(&browser, both, "bob").await;
    assert_eq!(first.text("scope"), "repo:read");
    let asked = server.call(&first.text("access_token"), "open_issue", titled.clone()).await;
    assert_eq!(asked.status(), 403, "the user may have left it out");

    let second = host.sign_in(&browser, both, "bob").await;
    let token = second.text("access_token");
    let told = server.call(&token, "open_issue", titled.clone()).await;
    assert_eq!(told.status(), 200);
    assert!(told.headers().get("www-authenticate").is_none());
    let told = text_of(&told.json().await.unwrap());
    assert!(told.contains("Forge was asked for `repo:write` more than once"), "{told}");
    assert!(told.contains("until an administrator of Forge changes that"), "{told}");

    let refreshed = host.refresh(&second.text("refresh_token")).await.text("access_token");
    let asked = server.call(&refreshed, "open_issue", titled).await;
    assert_eq!(asked.status(), 403, "things may have changed by now");
}

#[tokio::test]
async fn a_token_is_for_one_server_and_one_person() {
    let (server, other) = (Brokered::start().await, Brokered::start().await);
    let host = Application::register_at(&other.url).await;
    let foreign = host.sign_in(&Browser::new(), "repo:read", "alice").await.text("access_token");
    let refused = server.call(&foreign, "list_issues", compass()).await;
    assert_eq!(refused.status(), 401, "it was made by another broker");

    let host = Application::register_at(&server.url).await;
    let bob = host.sign_in(&Browser::new(), "repo:read", "bob").await.text("access_token");
    let secret = json!({ "owner": "alice", "repo": "journal" });
    let said = server.said(&bob, "list_issues", secret).await;
    assert!(said.contains("nothing that this user may see"), "it is bob's account: {said}");
}

#[tokio::test]
async fn a_link_to_another_provider_is_for_the_person_who_called() {
    let server = Brokered::start().await;
    let host = Application::register_at(&server.url).await;
    let (alices, bobs) = (Browser::new(), Browser::new());
    let alice = host.sign_in(&alices, "repo:read", "alice").await.text("access_token");
    host.sign_in(&bobs, "repo:read", "bob").await;
    let asked = server.said(&alice, "who_am_i", json!({})).await;
    assert!(asked.contains("Second is not connected yet"), "{asked}");
    let link = link_in(&asked);

    let page = bobs.open(&link).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("another person"), "{}", page.body);
    let page = Browser::new().open(&link).await;
    assert!(page.is_consent(), "who is not signed in is asked to be: {}", page.body);

    let page = alices.open(&link).await;
    let page = alices.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("Second is connected"), "{}: {}", page.url, page.body);
    assert!(server.said(&alice, "who_am_i", json!({})).await.contains("alice"));
}

#[tokio::test]
async fn a_browser_that_signs_in_for_a_link_comes_back_to_it() {
    let server = Brokered::start().await;
    let host = Application::register_at(&server.url).await;
    let token = host.sign_in(&Browser::new(), "repo:read", "alice").await.text("access_token");
    let link = link_in(&server.said(&token, "who_am_i", json!({})).await);
    let browser = Browser::new();
    let consent = browser.open(&link).await;
    let page = browser.decide(&consent, "allow").await;
    let page = browser.at_forge(page, "alice", "approve").await;
    // Signed in, and at the second forge.
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("Second is connected"), "{}: {}", page.url, page.body);
}

#[tokio::test]
async fn an_account_that_was_disconnected_is_asked_for_again_and_no_other_takes_its_place() {
    let server = Brokered::start().await;
    let host = Application::register_at(&server.url).await;
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let token = tokens.text("access_token");
    server.forge.revoke_grants_of("alice");
    let asked = server.said(&token, "list_issues", compass()).await;
    assert!(asked.contains("has to be connected again"), "{asked}");
    let refused = host.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), Some("invalid_grant"), "the host signs its user in again");

    let other = Browser::new();
    let consent = other.open(&link_in(&asked)).await;
    let page = other.decide(&consent, "allow").await;
    let page = other.at_forge(page, "bob", "approve").await;
    assert_eq!(page.status, 403, "{}: {}", page.url, page.body);
    let still = server.said(&token, "list_issues", compass()).await;
    assert!(still.contains("has to be connected again"), "{still}");
    let again = host.sign_in(&browser, "repo:read", "alice").await.text("access_token");
    assert!(server.said(&again, "list_issues", compass()).await.contains("compass drifts"));
}

#[tokio::test]
async fn tools_without_scopes_want_a_caller_all_the_same() {
    let server = Brokered::start().await;
    let refused = server.call("", "add", json!({ "a": 1, "b": 2 })).await;
    assert_eq!(refused.status(), 401);
    let host = Application::register_at(&server.url).await;
    let token = host.sign_in(&Browser::new(), "", "alice").await.text("access_token");
    assert_eq!(server.said(&token, "add", json!({ "a": 1, "b": 2 })).await, "3");
}

#[tokio::test]
async fn the_account_of_another_person_does_not_replace_the_first() {
    let server = Brokered::start().await;
    let host = Application::register_at(&server.url).await;
    let browser = Browser::new();
    let token = host.sign_in(&browser, "repo:read", "alice").await.text("access_token");
    server.forge.revoke_grants_of("alice");
    let link = link_in(&server.said(&token, "list_issues", compass()).await);

    // It is alice's browser, and at the provider bob signs in.
    let page = browser.open(&link).await;
    let request = page.form()["request"].clone();
    let login = format!(r#"<form action="/login"><input name="request" value="{request}"></form>"#);
    let login = Page { body: login, ..page };
    let bob = [("user", "bob"), ("password", "bob-password")];
    let page = browser.send(&login, &bob, &[]).await;
    let page = browser.at_forge(page, "bob", "approve").await;
    assert!(page.body.contains("the account of another person"), "{}: {}", page.url, page.body);
}

#[tokio::test]
async fn a_person_disconnects_at_the_servers_own_page() {
    let server = Brokered::start().await;
    let host = Application::register_at(&server.url).await;
    let (browser, accounts) = (Browser::new(), format!("{}/accounts", server.url));
    let consent = browser.open(&host.link("repo:read", &[])).await;
    assert!(consent.body.contains("href=\"/accounts\""), "{}", consent.body);
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let token = tokens.text("access_token");
    let bobs = host.sign_in(&Browser::new(), "repo:read", "bob").await;

    let page = browser.open(&accounts).await;
    assert!(page.body.contains("Disconnect Forge"), "{}", page.body);
    assert!(!page.body.contains("Disconnect Second"), "{}", page.body);
    let done = browser.send(&page, &[], &[]).await;
    assert!(done.body.contains("Forge is disconnected"), "{}", done.body);
    assert!(
        done.body.contains("revoke it in your settings there"),
        "it has no endpoint: {}",
        done.body
    );

    let said = server.said(&token, "list_issues", compass()).await;
    assert!(!said.contains("compass drifts"), "{said}");
    let refused = host.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), Some("invalid_grant"), "all that came of the sign-in is over");
    assert!(browser.open(&accounts).await.is_consent(), "the browser is signed out");
    assert_eq!(host.refresh(&bobs.text("refresh_token")).await.status, 200);

    let other = Browser::new();
    let consent = other.open(&accounts).await;
    let page = other.decide(&consent, "allow").await;
    let page = other.at_forge(page, "bob", "approve").await;
    assert_eq!(page.url.path(), "/accounts", "who signs in for it comes back to it");
    assert!(page.body.contains("Disconnect Forge"), "{}", page.body);
}

#[tokio::test]
async fn an_answer_at_the_callback_of_another_provider_signs_nobody_in() {
    let server = Brokered::start().await;
    let application = Application::register_at(&server.url).await;
    let browser = Browser::new();
    let page = browser.open(&application.link("repo:read", &[])).await;
    let page = browser.decide(&page, "allow").await;
    let page = browser.at_forge(page, "alice", "approve").await;
    // The same answer once more, for a state that is not used yet.
    let callback = page.visited.iter().find(|url| url.path() == "/callback/forge").unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let page = browser.open(&application.link("repo:read", &[("prompt", "consent")])).await;
    let page = browser.decide(&page, "allow").await;
    let state = page.url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let (url, iss) = (&server.url, server.forge.url());
    let elsewhere = format!("{url}/callback/second?code={code}&state={state}&iss={iss}");
    let answer = browser.open(&elsewhere).await.answer();
    assert_eq!(answer.get("error"), Some("server_error"));
    let why = answer.get("error_description").unwrap();
    assert!(why.contains("callback of another provider"), "{why}");
    assert_eq!(server.forge.counts().codes, 1, "the code was not redeemed again");
}

#[tokio::test]
async fn another_application_of_a_person_is_asked_about_for_providers_besides_the_brokers() {
    let server = Brokered::start().await;
    let browser = Browser::new();
    let claude = Application::register_at(&server.url).await;
    let tokens = claude.sign_in(&browser, "repo:read", "alice").await;
    let of_claude = tokens.text("access_token");
    let link = link_in(&server.said(&of_claude, "who_am_i", json!({})).await);
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("Second is connected"), "{}: {}", page.url, page.body);

    let codex = Application::register_at(&server.url).await;
    let of_codex = codex.sign_in(&browser, "repo:read", "alice").await.text("access_token");
    let listed = server.said(&of_codex, "list_issues", compass()).await;
    assert!(listed.contains("compass drifts"), "the sign-in was the consent: {listed}");
    let asked = server.said(&of_codex, "who_am_i", json!({})).await;
    assert!(asked.contains("connected through another application"), "{asked}");
    let page = browser.open(&link_in(&asked)).await;
    assert!(page.body.contains("wants to use your Second account"), "{}", page.body);
    let page = browser.send(&page, &[("decision", "allow")], &[]).await;
    assert!(page.body.contains("may use your Second account"), "{}", page.body);
    assert!(server.said(&of_codex, "who_am_i", json!({})).await.contains("alice"));

    // The page of accounts shows both, and signs one of them out.
    let accounts = format!("{}/accounts", server.url);
    let page = browser.open(&accounts).await;
    assert_eq!(page.body.matches("Take it away from").count(), 4, "{}", page.body);
    let away = [("provider", "forge"), ("client", claude.id.as_str())];
    let page = browser.send(&page, &away, &[]).await;
    assert!(page.body.contains("can no longer use your Forge account"), "{}", page.body);
    let refused = claude.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), Some("invalid_grant"));
    let page = browser.open(&accounts).await;
    assert_eq!(page.body.matches("Take it away from").count(), 3, "{}", page.body);
}

#[tokio::test]
async fn a_host_that_names_no_scope_gets_those_that_the_challenge_names() {
    let server = Brokered::start().await;
    let challenge = server.call("", "list_issues", compass()).await;
    let challenge = challenge.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(r#"scope="repo:read""#), "{challenge}");
    let metadata = format!("{}/.well-known/oauth-authorization-server", server.url);
    let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["scopes_supported"], json!(["repo:read"]));
    let host = Application::register_at(&server.url).await;
    for scope in ["", "mcp:tools", "openid email profile"] {
        let tokens = host.sign_in(&Browser::new(), scope, "alice").await;
        assert_eq!(tokens.body["scope"], "repo:read", "`{scope}`");
        let listed = server.said(&tokens.text("access_token"), "list_issues", compass()).await;
        assert!(listed.contains("compass drifts"), "`{scope}`: {listed}");
    }
}

/// A page of the server's own asks who the person is, and for nothing else.
#[tokio::test]
async fn the_servers_own_pages_ask_for_no_scopes() {
    let server = Brokered::start().await;
    let page = Browser::new().open(&format!("{}/accounts", server.url)).await;
    assert!(page.is_consent(), "{}", page.body);
    assert!(page.body.contains("learn who you are there, and nothing else"), "{}", page.body);
}
