//! Account endpoints that differ from `GET /user`: a POST with a body, scopes that no tool declares,
//! and an identifier in several parts.

use std::sync::{Arc, Mutex};

use serde_json::json;
use toolgate::{
    client::http::{self, Method, header::CONTENT_TYPE},
    prelude::*,
    provider::Provider,
    stand_in::StandIn,
    testing::{Client, FakeProvider},
    tool::Tools,
};
use toolgate_providers::{Discord, Dropbox, Linear, Notion};

use super::names;

const QUESTION: &str = r#"{"query":"{ viewer { id email } }"}"#;

/// A tracker with a GraphQL API.
#[provider(
    api = "https://tracker.example",
    authorize = "https://tracker.example/authorize",
    token = "https://tracker.example/token",
    account(
        path = "/graphql",
        body = r#"{"query":"{ viewer { id email } }"}"#,
        id = "/data/viewer/id",
        label = "/data/viewer/email"
    )
)]
enum Tracker {
    /// Reads issues.
    #[scope("issues:read", access = read)]
    Read,
}

/// Lists issues.
#[tool(scopes = "issues:read")]
async fn tracked(tracker: AuthedClient<Tracker>) -> Result<String> {
    let query = json!({ "query": "{ issues { title } }" });
    tracker.post_read_only("/graphql").json(&query).send().await?.text().await
}

#[tokio::test]
async fn the_body_is_posted_as_it_is_declared() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let of_request = Arc::clone(&asked);
    let tracker = FakeProvider::<Tracker>::start(move |request| {
        let (parts, body) = request.into_parts();
        let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|is| is == "application/json");
        let answer = if body == QUESTION {
            json!({ "data": { "viewer": { "id": "1", "email": "alice@work.example" } } })
        } else {
            json!({ "data": { "issues": [{ "title": "Compass" }] } })
        };
        of_request.lock().unwrap().push((parts.method, is_json, body));
        http::Response::new(answer.to_string().into())
    })
    .await
    .unwrap();
    let server = toolgate::server!().provider(tracker.client()).tools(tools![tracked]);
    let client = Client::of(server).await.unwrap();
    let asks = client.call("tracked", json!({})).await;
    let page = client.person("alice").open(asks.link().unwrap()).await.unwrap();
    assert!(page.text().contains("is connected"), "{}", page.text());
    let question = (Method::POST, true, QUESTION.into());
    assert_eq!(asked.lock().unwrap().as_slice(), [question]);

    let answer = client.call("tracked", json!({})).await;
    assert!(answer.text().contains("Compass"), "its own query is answered: {}", answer.body());
    let unknown = client.call("tracked", json!({ "account": "nobody" })).await;
    assert_eq!(names(&unknown), ["alice@work.example (the default)"]);
}

/// Lists the user's servers.
#[tool(scopes = "guilds")]
async fn servers(discord: AuthedClient<Discord>) -> Result<String> {
    discord.get("/users/@me/guilds").send().await?.text().await
}

/// Lists a folder.
#[tool(scopes = "files.metadata.read")]
async fn folder(dropbox: AuthedClient<Dropbox>) -> Result<String> {
    dropbox.post_read_only("/files/list_folder").send().await?.text().await
}

/// Lists issues.
#[tool(scopes = "read")]
async fn issues(linear: AuthedClient<Linear>) -> Result<String> {
    let query = json!({ "query": "{ issues { nodes { title } } }" });
    linear.post_read_only("/graphql").json(&query).send().await?.text().await
}

/// Reads a page.
#[tool(scopes = "read_content")]
async fn page(notion: AuthedClient<Notion>) -> Result<String> {
    notion.get("/v1/pages/1").send().await?.text().await
}

/// The names of two accounts that a person has connected at the stand-in of a provider.
async fn two_accounts<P: Provider>(tool: &str, tools: Tools) -> Vec<String> {
    let upstream = StandIn::<P>::start().await.unwrap();
    let server = toolgate::server!().provider(upstream.client()).tools(tools);
    let client = Client::of(server).await.unwrap();
    let user = client.person("alice");
    for account in ["alice", "bob"] {
        upstream.revoke_grants();
        let asks = client.call(tool, json!({})).await;
        let link = asks.link().unwrap_or_else(|| panic!("no link: {}", asks.body()));
        user.account(account).open(link).await.unwrap();
    }
    names(&client.call(tool, json!({ "account": "nobody" })).await)
}

#[tokio::test]
async fn discord_is_asked_for_a_scope_that_the_tool_does_not_declare() {
    let names = two_accounts::<Discord>("servers", tools![servers]).await;
    assert_eq!(names, ["alice", "bob (the default)"]);
}

#[tokio::test]
async fn dropbox_and_linear_are_asked_by_post() {
    let names = two_accounts::<Dropbox>("folder", tools![folder]).await;
    assert_eq!(names, ["alice@example.com", "bob@example.com (the default)"]);
    let names = two_accounts::<Linear>("issues", tools![issues]).await;
    assert_eq!(names, ["alice@example.com (Acme)", "bob@example.com (Acme) (the default)"]);
}

#[tokio::test]
async fn an_account_of_notion_is_a_person_in_a_workspace() {
    let names = two_accounts::<Notion>("page", tools![page]).await;
    assert_eq!(names, ["alice (Acme)", "bob (Acme) (the default)"]);
}

#[tokio::test]
async fn an_error_of_graphql_identifies_nobody() {
    let linear = StandIn::<Linear>::start().await.unwrap();
    let server = toolgate::server!().provider(linear.client()).tools(tools![issues]);
    let client = Client::of(server).await.unwrap();
    linear.limit_requests(1);
    let asks = client.call("issues", json!({})).await;
    let page = client.person("alice").open(asks.link().unwrap()).await.unwrap();
    assert!(page.text().contains("it did not say whose account it is"), "{}", page.text());
    assert!(client.call("issues", json!({})).await.link().is_some(), "nothing is connected");
}
