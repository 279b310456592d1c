//! The argument that names an account.

use serde_json::{Value, json};
use toolgate::{
    client::http,
    gate::Gate,
    prelude::*,
    provider::Provider,
    testing::{Account, Browsers, Client, FakeProvider, Issuer, RESOURCE},
};
use toolgate_providers::{GitHub, Google};

use super::{Desk, names};

/// Reads the calendar and what is unread.
#[tool(scopes(
    github = "notifications",
    calendar = "https://www.googleapis.com/auth/calendar.readonly"
))]
async fn agenda(github: AuthedClient<GitHub>, calendar: AuthedClient<Google>) -> Result<String> {
    let code = github.get("/who").send().await?.text().await?;
    let calendar = calendar.get("/who").send().await?.text().await?;
    Ok(format!("{code} and {calendar}"))
}

/// Says who the user is.
#[tool(scopes = "notifications", strict)]
async fn who(github: AuthedClient<GitHub>, greeting: Option<String>) -> Result<String> {
    let name = github.get("/who").send().await?.text().await?;
    Ok(format!("{} {name}", greeting.unwrap_or_default()))
}

/// Adds two numbers.
#[tool]
async fn add(a: i64, b: i64) -> Json<i64> {
    Json(a + b)
}

/// An API that says whose token it got.
async fn provider<P: Provider>() -> FakeProvider<P> {
    FakeProvider::<P>::start(|request| {
        let account = request.extensions().get::<Account>().unwrap();
        http::Response::new(account.name.clone().into())
    })
    .await
    .unwrap()
}

async fn properties(client: &Client, tool: &str) -> Value {
    let answer = client.request("tools/list", json!({})).await;
    let tools = answer.body()["result"]["tools"].as_array().unwrap().clone();
    let found = tools.into_iter().find(|one| one["name"] == tool).unwrap();
    found["inputSchema"].clone()
}

#[tokio::test]
async fn the_argument_is_in_the_schema_of_tools_whose_provider_has_several_accounts() {
    let (github, google) = (provider::<GitHub>().await, provider::<Google>().await);
    let server = toolgate::server!().provider(github.client()).provider(google.client());
    let client = Client::of(server.tools(tools![agenda, who, add])).await.unwrap();
    let schema = properties(&client, "who").await;
    assert_eq!(schema["properties"]["account"]["type"], "string");
    let description = schema["properties"]["account"]["description"].as_str().unwrap();
    assert!(description.contains("account at GitHub"), "{description}");
    assert_eq!(schema["required"], Value::Null, "it is optional");
    let schema = properties(&client, "agenda").await;
    let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["calendar_account", "github_account"]);
    assert!(properties(&client, "add").await["properties"].get("account").is_none());
}

#[tokio::test]
async fn a_call_uses_the_account_that_it_names_and_else_the_default() {
    let github = provider::<GitHub>().await;
    let server = toolgate::server!().provider(github.client()).tools(tools![who]);
    let client = Client::of(server).await.unwrap();
    let person = client.person("alice");
    let asks = client.call("who", json!({})).await;
    person.account("work").open(asks.link().unwrap()).await.unwrap();
    person.account("home").connect_another("github").await.unwrap();

    for (arguments, says) in [
        (json!({}), " work"),
        (json!({ "account": null }), " work"),
        (json!({ "account": "" }), " work"),
        (json!({ "account": "home" }), " home"),
        (json!({ "account": " HOME ", "greeting": "hi" }), "hi home"),
        (json!({ "account": "work" }), " work"),
    ] {
        let answer = client.call("who", arguments.clone()).await;
        assert_eq!(answer.text(), says, "{arguments}: {}", answer.body());
    }
    let unknown = client.call("who", json!({ "account": "wrok" })).await;
    assert!(unknown.is_error());
    assert_eq!(names(&unknown), ["work (the default)", "home"]);
    assert!(!unknown.text().contains("wrok"), "{}", unknown.text());
    let wrong = client.call("who", json!({ "account": 7 })).await;
    assert!(wrong.text().contains("must be a string"), "{}", wrong.text());
    let strict = client.call("who", json!({ "acount": "home" })).await;
    assert!(strict.text().contains("did you mean `account`?"), "{}", strict.text());
}

#[tokio::test]
async fn two_clients_of_a_tool_have_an_argument_each() {
    let (github, google) = (provider::<GitHub>().await, provider::<Google>().await);
    let server = toolgate::server!().provider(github.client()).provider(google.client());
    let client = Client::of(server.tools(tools![agenda])).await.unwrap();
    let person = client.person("alice");
    for _ in 0..2 {
        let asks = client.call("agenda", json!({})).await;
        let Some(link) = asks.link() else { break };
        person.account("work").open(link).await.unwrap();
    }
    person.account("home").connect_another("google").await.unwrap();
    let call = async |arguments| client.call("agenda", arguments).await;
    assert_eq!(call(json!({})).await.text(), "work and work");
    assert_eq!(call(json!({ "calendar_account": "home" })).await.text(), "work and home");
    let unknown = call(json!({ "github_account": "home" })).await;
    assert_eq!(names(&unknown), ["work (the default)"]);
}

#[tokio::test]
async fn no_account_of_another_person_can_be_named() {
    let github = provider::<GitHub>().await;
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).browser(Browsers);
    let server = toolgate::server!().provider(github.client()).gate(gate).tools(tools![who]);
    let client = Client::of(server).await.unwrap();
    for (person, account) in [("alice", "secret-alias"), ("bob", "bob")] {
        let caller = client.with(issuer.token(person).claim("client_id", "host"));
        let asks = caller.call("who", json!({ "account": account })).await;
        let link = asks.link().unwrap_or_else(|| panic!("{}", asks.body()));
        client.person(person).account(account).open(link).await.unwrap();
    }
    let bob = client.with(issuer.token("bob").claim("client_id", "host"));
    let refused = bob.call("who", json!({ "account": "secret-alias" })).await;
    let nothing = bob.call("who", json!({ "account": "no-such-alias" })).await;
    assert_eq!(refused.text(), nothing.text(), "it says nothing of accounts of others");
    assert_eq!(names(&refused), ["bob (the default)"]);
    // Nor by the key of its record.
    let page = client.person("alice").accounts().await.unwrap();
    assert!(page.text().contains("secret-alias"), "{}", page.text());
}

#[tokio::test]
async fn an_account_that_lacks_scopes_is_asked_for_by_its_name() {
    let desk = Desk::new().await;
    desk.connect(&desk.call("addresses").await, "alice").await;
    desk.user.account("bob").connect_another("github").await.unwrap();
    let asks = desk.client.call("unread", json!({ "account": "bob" })).await;
    assert!(
        asks.text().contains("The account `bob` at GitHub is connected, but not for this"),
        "{}",
        asks.text()
    );
    desk.connect(&asks, "bob").await;
    let answer = desk.client.call("unread", json!({ "account": "bob" })).await;
    assert!(answer.text().contains("\"login\":\"bob\""), "{}", answer.text());
    assert!(desk.call("unread").await.link().is_some(), "alice has granted nothing more");
}

#[tokio::test]
async fn a_person_has_one_account_where_it_is_what_they_sign_in_with() {
    let github = provider::<GitHub>().await;
    let server = toolgate::server!().provider(github.client()).tools(tools![who]);
    let server = server.broker::<GitHub>(|broker| broker.user("/user", "id"));
    let client = Client::of(server).await.unwrap();
    let alice = client.sign_in(&client.person("alice"), "notifications").await.unwrap();
    assert!(properties(&alice, "who").await["properties"].get("account").is_none());
    assert_eq!(alice.call("who", json!({})).await.text(), " alice");
    let strict = alice.call("who", json!({ "account": "alice" })).await;
    assert!(strict.text().contains("there is no argument `account`"), "{}", strict.text());
    let page = client.person("alice").accounts().await.unwrap();
    assert!(!page.text().contains("Connect another"), "{}", page.text());
}

#[tokio::test]
async fn an_application_gets_each_account_after_the_person_has_agreed() {
    let github = provider::<GitHub>().await;
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).browser(Browsers);
    let server = toolgate::server!().provider(github.client()).gate(gate).tools(tools![who]);
    let client = Client::of(server).await.unwrap();
    let host = client.with(issuer.token("alice").claim("client_id", "host"));
    let alice = client.person("alice");
    let asks = host.call("who", json!({})).await;
    alice.account("work").open(asks.link().unwrap()).await.unwrap();
    alice.account("home").connect_another("github").await.unwrap();
    assert_eq!(host.call("who", json!({})).await.text(), " work");

    let asks = host.call("who", json!({ "account": "home" })).await;
    assert!(asks.text().contains("connected through another application"), "{}", asks.text());
    let page = alice.open(asks.link().unwrap()).await.unwrap();
    assert!(page.text().contains("host may use your GitHub account"), "{}", page.text());
    assert_eq!(host.call("who", json!({ "account": "home" })).await.text(), " home");
}
