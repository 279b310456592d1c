//! Stand-ins of providers: in development without accounts, and what they refuse.

use std::time::Duration;

use integration::{
    acme::{Acme, orders},
    broker::{Application, Browser},
    client::{call_message, message_request},
};
use reqwest::{Client as Http, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    gate::Gate,
    grant::MemoryStore,
    prelude::*,
    stand_in::StandIn,
    testing::{Client, Issuer, RESOURCE},
};
use toolgate_providers::{Atlassian, GitHub};

/// Lists the user's addresses.
#[tool(scopes = "user:email")]
async fn addresses(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user/emails").send().await?.text().await
}

/// Lists projects.
#[tool(scopes = "read:jira-work")]
async fn projects(jira: AuthedClient<Atlassian>) -> Result<String> {
    jira.get("/ex/jira/1/rest/api/3/project/search").send().await?.text().await
}

fn server() -> Result<Server> {
    Ok(toolgate::server!().provider(GitHub::from_env()?).tools(tools![addresses, orders]))
}

/// The text of a tool's result.
async fn call(url: &str, token: &str, tool: &str) -> String {
    let body = call_message(tool, json!({}));
    let request = message_request(&format!("{url}/mcp"), &body).bearer_auth(token);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

fn link_in(text: &str, url: &str) -> String {
    let link = text.split_whitespace().find(|word| word.starts_with(&format!("{url}/connect/")));
    link.unwrap_or_else(|| panic!("no link: {text}")).to_owned()
}

#[tokio::test]
async fn a_server_in_development_needs_no_account() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = server().unwrap().dev::<Acme>(["alice"]).public_url(url.as_str());
    let app = server.store(MemoryStore::new()).build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());

    let browser = Browser::new();
    let host = Application::register_at(&url).await;
    let token = host.sign_in(&browser, "orders:read", "alice").await.text("access_token");
    let connect = async |scopes: &[(&str, &str)]| {
        let asks = call(&url, &token, "addresses").await;
        let consent = browser.open(&link_in(&asks, &url)).await;
        assert!(consent.body.contains("May this server use your GitHub account?"), "{consent:?}");
        assert!(consent.body.contains("user:email"), "{}", consent.body);
        let mut form = vec![("account", "alice"), ("decision", "approve")];
        form.extend(scopes);
        let back = browser.send(&consent, &form, &[]).await;
        let target = back.header("refresh").strip_prefix("0;url=").unwrap().to_owned();
        (consent.url, browser.open(&target).await)
    };
    let (stand_in, page) = connect(&[("scope:user:email", "on")]).await;
    assert!(page.body.contains("GitHub is connected"), "{}", page.body);
    assert!(call(&url, &token, "addresses").await.contains("alice@example.com"));

    let start = stand_in.join("/").unwrap();
    let fault = async |name: &str| {
        let form = Http::new().post(stand_in.join("/stand-in/faults").unwrap());
        form.form(&[("fault", name)]).send().await.unwrap().status()
    };
    assert!(browser.open(start.as_str()).await.body.contains("Make it fail"));
    assert_eq!(fault("limit").await, StatusCode::OK, "it leads back to the page");
    assert!(call(&url, &token, "addresses").await.contains("limits how often"));
    fault("revoke").await;
    let (_, page) = connect(&[]).await;
    assert!(page.body.contains("Not granted"), "nothing was ticked: {}", page.body);
    assert_eq!(fault("explode").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_server_that_is_not_in_development_wants_its_client() {
    let error = server().unwrap().store(MemoryStore::new()).build().await.unwrap_err().to_string();
    assert!(error.contains("set `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET`"), "{error}");
    let public = server().unwrap().dev::<Acme>(["alice"]).public_url("https://tools.example");
    let error = public.store(MemoryStore::new()).build().await.unwrap_err().to_string();
    assert!(error.contains("not this machine alone"), "{error}");
}

#[tokio::test]
async fn a_broker_in_development_has_stand_ins_on_this_machine_alone() {
    let brokered = || {
        let server = toolgate::server!().provider(GitHub::from_env().unwrap());
        let server = server.broker::<GitHub>(|broker| broker.user("/user", "id"));
        server.tools(tools![addresses]).store(MemoryStore::new())
    };
    let here = |server: Server| server.public_url("http://127.0.0.1:1").build();
    assert!(here(brokered().stand_ins(true)).await.is_ok());
    let error = here(brokered()).await.unwrap_err().to_string();
    assert!(error.contains("set `GITHUB_CLIENT_ID`"), "{error}");
    let error = here(brokered().stand_ins(true).stand_ins(false)).await.unwrap_err().to_string();
    assert!(error.contains("set `GITHUB_CLIENT_ID`"), "{error}");
    let public = brokered().stand_ins(true).public_url("https://tools.example");
    let error = public.build().await.unwrap_err().to_string();
    assert!(error.contains("set `GITHUB_CLIENT_ID`"), "{error}");
    let gate = Gate::for_broker().resource("https://tools.example/mcp");
    let error = brokered().stand_ins(true).gate(gate).build().await.unwrap_err().to_string();
    assert!(error.contains("set `GITHUB_CLIENT_ID`"), "{error}");
}

#[tokio::test]
async fn in_a_test_stand_ins_take_the_place_of_the_environment() {
    let server = toolgate::server!().provider(GitHub::from_env().unwrap());
    let server = server.broker::<GitHub>(|broker| broker.user("/user", "id"));
    let client = Client::of(server.tools(tools![addresses])).await.unwrap();
    let alice = client.person("alice");
    let signed_in = client.sign_in(&alice, "user:email").await.unwrap();
    let answer = signed_in.call("addresses", json!({})).await;
    assert!(answer.text().contains("alice@example.com"), "{}", answer.body());
    let bob = client.person("bob").withholds("user:email");
    let refused = client.sign_in(&bob, "read:user user:email").await.unwrap();
    let refused = refused.call("addresses", json!({})).await;
    assert_eq!(refused.status(), 403, "{}", refused.body());
}

#[tokio::test]
async fn in_a_test_development_people_connect_accounts() {
    let server = toolgate::server!().provider(GitHub::from_env().unwrap());
    let server = server.dev::<Acme>(["alice"]).tools(tools![addresses]);
    let client = Client::of(server).await.unwrap();
    let alice = client.sign_in(&client.person("alice"), "orders:read").await.unwrap();
    for caller in [alice, client.with(toolgate::dev::token("alice"))] {
        let asks = caller.call("addresses", json!({})).await;
        client.person("alice").open(asks.link().expect("a link")).await.unwrap();
        let answer = caller.call("addresses", json!({})).await;
        assert!(answer.text().contains("alice@example.com"), "{}", answer.body());
    }
}

#[tokio::test]
async fn without_a_gate_a_debug_build_is_in_development() {
    let server =
        |gate| toolgate::server!().gate_or_dev::<Acme>(gate, ["alice"]).tools(tools![orders]);
    let client = Client::of(server(None)).await.unwrap();
    let alice = client.with(toolgate::dev::token("alice").scopes("orders:read"));
    assert_eq!(alice.call("orders", json!({})).await.status(), 200);

    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
    let client = Client::of(server(Some(gate))).await.unwrap();
    let dev = client.with(toolgate::dev::token("alice").scopes("orders:read"));
    assert_eq!(dev.call("orders", json!({})).await.status(), 401, "the gate stands alone");
    let alice = client.with(issuer.token("alice").scopes("orders:read"));
    assert_eq!(alice.call("orders", json!({})).await.status(), 200);
}

#[tokio::test]
async fn it_answers_this_machine_alone() {
    let github = StandIn::<GitHub>::start().await.unwrap();
    let fault = format!("{}/stand-in/faults", github.url());
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("host", "tools.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let form = Http::new().post(&fault).form(&[("fault", "revoke")]).header(name, value);
        assert_eq!(form.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test]
async fn its_codes_stay_on_this_machine() {
    let github = StandIn::<GitHub>::start().await.unwrap();
    let http = Http::builder().redirect(Policy::none()).build().unwrap();
    let ask = async |redirect: &str| {
        let url = format!("{}/github.com/login/oauth/authorize", github.url());
        let query =
            [("client_id", "stand-in"), ("response_type", "code"), ("redirect_uri", redirect)];
        http.get(url).query(&query).send().await.unwrap()
    };
    for redirect in ["https://evil.example/callback", "http://127.0.0.1.evil.example/", "", "x:y"] {
        let refused = ask(redirect).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{redirect}");
        assert!(!refused.headers().contains_key("refresh"), "{redirect}");
    }
    assert_eq!(ask("http://127.0.0.1:1/callback").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn github_answers_with_forms_and_its_errors_with_200() {
    let github = StandIn::<GitHub>::start().await.unwrap();
    let url = format!("{}/github.com/login/oauth/access_token", github.url());
    let form =
        [("client_id", "stand-in"), ("client_secret", "stand-in-secret"), ("code", "unknown")];
    let request = || Http::new().post(&url).form(&form);
    let answer = request().send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().starts_with("error=bad_verification_code&"));
    let answer = request().header("accept", "application/json").send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["error"], "bad_verification_code");
    let stranger = Http::new().post(&url).form(&[("code", "unknown")]).send().await.unwrap();
    assert!(stranger.text().await.unwrap().contains("incorrect_client_credentials"));
}

#[tokio::test]
async fn a_leeway_forgives_a_race_and_a_slow_answer_is_waited_for() {
    let jira = StandIn::<Atlassian>::start().await.unwrap();
    let server = toolgate::server!().provider(jira.client()).tools(tools![projects]);
    let client = Client::of(server).await.unwrap();
    let asks = client.call("projects", json!({})).await;
    client.person("alice").open(asks.link().unwrap()).await.unwrap();
    jira.expire_access_tokens();
    jira.race_next_refresh();
    jira.slow_down(Duration::from_millis(1));
    let answer = client.call("projects", json!({})).await;
    assert!(answer.text().contains("Example"), "{}", answer.body());
    assert_eq!(jira.counts().refreshes, 2);
}
