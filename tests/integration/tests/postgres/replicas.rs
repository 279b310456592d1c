//! Any replica serves any request: what one began, another finishes.

use forge::{Config, person::Person};
use futures::future::join_all;
use integration::{
    broker::{Application, Browser},
    client::{Desk, Era, Mood, call_message, connect, link_in, params, post_call, text, text_of},
    host::client_at,
    postgres::Postgres,
    replicas::Replicas,
    tools::{Forge, list_issues},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server,
    gate::Gate,
    grant::{MasterKey, PostgresStore},
    tools,
};

const ISSUES: &str = r#"{"owner":"alice","repo":"compass","limit":1}"#;

fn call() -> rmcp::model::CallToolRequestParams {
    params("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 1 }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_is_woken_by_a_consent_at_another_replica() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 2, |server| server).await;
    let first = format!("{}/mcp", replicas.replicas[0]);
    let client = connect(&first, Era::Legacy, Desk::new("alice", Mood::Approves)).await;
    let error = client.call_tool(call()).await.unwrap_err();
    let rmcp::ServiceError::McpError(error) = error else { panic!("{error}") };
    let link = error.data.unwrap()["elicitations"][0]["url"].as_str().unwrap().to_owned();

    // The link, the provider's answer and the page are at the second, while the first has the call.
    replicas.ask_only(Some(1));
    let listening = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    let waiting = client.call_tool(call());
    let (result, page) = tokio::join!(waiting, async {
        database.wait_for(listening);
        Person::new("alice").approve(&link).await.unwrap()
    });
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    assert_eq!(result.unwrap().is_error, Some(false));
    assert_eq!(replicas.forge.counts().codes, 1);
    client.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_one_replica_is_given_again_and_used_up_at_others() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 2, |server| server).await;
    let ask = async |at: usize| {
        post_call(&format!("{}/mcp", replicas.replicas[at]), "list_issues", ISSUES).await
    };
    let link = link_in(&text_of(&ask(0).await));
    assert_eq!(link_in(&text_of(&ask(1).await)), link, "a link that is good is given again");
    replicas.ask_only(Some(1));
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
    let answer = ask(0).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    replicas.ask_only(Some(0));
    let page = Person::new("alice").open(&link).await.unwrap();
    assert!(page.body.contains("no longer good"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_accepted_by_each_replica_in_its_turn() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 4, |server| server).await;
    // Every request, of the client and of the browser, is at another replica than the one before.
    let desk = Desk::new("alice", Mood::Approves);
    let client = connect(&replicas.mcp(), Era::Modern, desk.clone()).await;
    let result = client.call_tool(call()).await.unwrap();
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    assert_eq!(desk.opened().len(), 1);
    client.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_at_one_replica_ends_the_call_at_another() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 2, |server| server).await;
    let client = connect(&replicas.mcp(), Era::Modern, Desk::new("alice", Mood::Denies)).await;
    let result = client.call_tool(call()).await.unwrap();
    assert_eq!(result.is_error, Some(true));
    assert!(text(&result).contains("the access was refused"), "{}", text(&result));
    client.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_renewed_once_for_all_replicas() {
    let Some(database) = Postgres::start() else { return };
    let replicas = Replicas::start(&database, Config::default(), 4, |server| server).await;
    let link = link_in(&text_of(&post_call(&replicas.mcp(), "list_issues", ISSUES).await));
    Person::new("alice").approve(&link).await.unwrap();
    for round in 1..=3 {
        replicas.forge.expire_access_tokens();
        let endpoints: Vec<_> = replicas.replicas.iter().map(|url| format!("{url}/mcp")).collect();
        let calls = (0..20).map(|at| post_call(&endpoints[at % 4], "list_issues", ISSUES));
        for answer in join_all(calls).await {
            assert_eq!(answer["result"]["isError"], false, "{answer}");
        }
        let counts = replicas.forge.counts();
        assert_eq!((counts.refreshes, counts.refreshes_refused), (round, 0), "{counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_at_the_broker_goes_through_all_replicas() {
    let Some(database) = Postgres::start() else { return };
    let broker = |server: Server| {
        server
            .broker::<Forge>(|broker| broker.user("/user", "login").loopback_documents())
            .gate(Gate::for_broker())
    };
    let replicas = Replicas::start(&database, Config::default(), 4, broker).await;
    let (browser, host) = (Browser::new(), Application::register_at(&replicas.url).await);
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let list = async |token: &str| {
        let body =
            call_message("list_issues", json!({ "owner": "alice", "repo": "compass", "limit": 1 }));
        let request = reqwest::Client::new().post(replicas.mcp()).bearer_auth(token);
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "list_issues");
        request.json(&body).send().await.unwrap().json::<Value>().await.unwrap()
    };
    for _ in 0..4 {
        let answer = list(&tokens.text("access_token")).await;
        assert!(answer.to_string().contains("compass drifts 1 degrees"), "{answer}");
    }
    let renewed = host.refresh(&tokens.text("refresh_token")).await;
    let answer = list(&renewed.text("access_token")).await;
    assert!(answer.to_string().contains("compass drifts 1 degrees"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_another_server_with_the_same_store_is_not_accepted() {
    let Some(database) = Postgres::start() else { return };
    let master = MasterKey::generate();
    let forge = forge::start(Config::default()).await.unwrap();
    let mut urls = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = PostgresStore::at(database.url()).key(master.clone()).open().await.unwrap();
        let server = Server::new("tests", "1.2.3").provider(client_at(forge.url()));
        let server = server.tools(tools![list_issues]).store(store).public_url(url.as_str());
        let service = server.build().await.unwrap().into_router();
        integration::host::serve_at(listener, service);
        urls.push(url);
    }
    let ask = async |url: &str| post_call(&format!("{url}/mcp"), "list_issues", ISSUES).await;
    let link = link_in(&text_of(&ask(&urls[0]).await));
    let path = link.strip_prefix(&*urls[0]).unwrap();
    let page = Person::new("alice").open(&format!("{}{path}", urls[1])).await.unwrap();
    assert!(page.body.contains("no longer good"), "{}", page.body);
    let page = Person::new("alice").approve(&link).await.unwrap();
    assert!(page.body.contains("Forge is connected"), "{}", page.body);
}
