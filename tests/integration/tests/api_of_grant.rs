//! Tools whose API is at an address that came with the grant: in the response with the tokens, or from
//! a request after it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    prelude::*,
    stand_in::StandIn,
    testing::{Client, Page},
};
use toolgate_providers::Salesforce;

/// Lists the objects of an organization.
#[tool(scopes = ["api", "refresh_token"])]
async fn objects(salesforce: AuthedClient<Salesforce>) -> Result<String> {
    salesforce.get("/services/data/v60.0/sobjects").send().await?.text().await
}

/// Records whose organization says where it is.
#[provider(
    api = "{instance}/data",
    authorize = "https://login.records.example/authorize",
    token = "https://login.records.example/token",
    placeholders(instance(
        from = token_response,
        pointer = "/instance_url",
        hosts("*.my.records.example")
    ))
)]
enum Records {
    /// Read records.
    #[scope("records", access = read)]
    Read,
}

/// Lists records.
#[tool(scopes = "records")]
async fn list_records(records: AuthedClient<Records>) -> Result<String> {
    records.get("/list").send().await?.text().await
}

/// Sites of which a person has some, each with an identifier.
#[provider(
    api = "https://api.sites.example/ex/{site}",
    authorize = "https://api.sites.example/authorize",
    token = "https://api.sites.example/token",
    placeholders(site(from = api, url = "https://api.sites.example/sites", pointer = "/0/id"))
)]
enum Sites {
    /// Read pages.
    #[scope("pages", access = read)]
    Read,
}

/// Lists pages.
#[tool(scopes = "pages")]
async fn list_pages(sites: AuthedClient<Sites>) -> Result<String> {
    sites.get("/list").send().await?.text().await
}

/// An authorization server and an API on this machine.
#[derive(Clone, Default)]
struct World {
    url: String,
    /// The member of the next responses with tokens.
    instance: Arc<Mutex<String>>,
    /// The answer of the list of sites.
    sites: Arc<Mutex<Value>>,
    /// The tokens that the API got, each with the path.
    sent: Arc<Mutex<Vec<String>>>,
    refuses: Arc<AtomicUsize>,
    issued: Arc<AtomicUsize>,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let world = Self { url, ..Self::default() };
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/sites", get(sites))
            .route("/data/list", get(list))
            .route("/ex/{site}/list", get(list))
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        world
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

async fn authorize(Query(ask): Query<HashMap<String, String>>) -> impl IntoResponse {
    let target = format!("{}?code=c&state={}", ask["redirect_uri"], ask["state"]);
    (StatusCode::FOUND, [(header::LOCATION, target)])
}

async fn token(State(world): State<World>) -> impl IntoResponse {
    let number = world.issued.fetch_add(1, SeqCst) + 1;
    Json(json!({
        "access_token": format!("access-{number}"),
        "refresh_token": format!("refresh-{number}"),
        "token_type": "Bearer",
        "instance_url": *world.instance.lock().unwrap(),
    }))
}

async fn sites(State(world): State<World>) -> impl IntoResponse {
    Json(world.sites.lock().unwrap().clone())
}

async fn list(State(world): State<World>, uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let token = headers[header::AUTHORIZATION].to_str().unwrap();
    world.sent.lock().unwrap().push(format!("{} {token}", uri.path()));
    let refuses = world.refuses.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
    let status = if refuses { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    (status, format!("list of {}", uri.path()))
}

async fn connect(client: &Client, tool: &str) -> Page {
    let asks = client.call(tool, json!({})).await;
    let link = asks.link().unwrap_or_else(|| panic!("no link: {}", asks.body()));
    client.person("alice").open(link).await.unwrap()
}

#[tokio::test]
async fn salesforce_says_where_the_organization_is() {
    let salesforce = StandIn::<Salesforce>::start().await.unwrap();
    let server = toolgate::server!().provider(salesforce.client()).tools(tools![objects]);
    let client = Client::of(server).await.unwrap();
    assert!(connect(&client, "objects").await.text().contains("Salesforce is connected"));
    assert!(client.call("objects", json!({})).await.text().contains("Account"));
    salesforce.expire_access_tokens();
    assert!(client.call("objects", json!({})).await.text().contains("Account"), "after a refresh");
}

#[tokio::test]
async fn a_token_goes_to_the_address_that_came_with_it() {
    let world = World::start().await;
    let records = Records::client("id").secret("s");
    let records = records.authorize(format!("{}/authorize", world.url));
    let server = toolgate::server!()
        .provider(records.token(format!("{}/token", world.url)))
        .tools(tools![list_records]);
    let client = Client::of(server).await.unwrap();
    for evil in ["https://evil.example", "https://a.my.records.example@evil.example", ""] {
        evil.clone_into(&mut world.instance.lock().unwrap());
        let page = connect(&client, "list_records").await;
        assert!(page.text().contains("Records is not connected"), "{evil}: {}", page.text());
    }
    world.url.clone_into(&mut world.instance.lock().unwrap());
    let page = connect(&client, "list_records").await;
    assert!(page.text().contains("Records is connected"), "{}", page.text());
    assert_eq!(client.call("list_records", json!({})).await.text(), "list of /data/list");
    // A refresh that names another address moves the next calls, if it is one that is declared.
    "https://evil.example".clone_into(&mut world.instance.lock().unwrap());
    world.refuses.store(1, SeqCst);
    assert_eq!(client.call("list_records", json!({})).await.text(), "list of /data/list");
    "https://moved.my.records.example".clone_into(&mut world.instance.lock().unwrap());
    world.refuses.store(1, SeqCst);
    let sent = world.sent().len();
    let moved = client.call("list_records", json!({})).await;
    assert!(moved.is_error() && moved.text().contains("during this call"), "{}", moved.body());
    assert_eq!(world.sent().len(), sent + 1, "the new token was not sent to the old address");
}

#[tokio::test]
async fn the_first_site_of_the_person_is_that_of_the_tool() {
    let world = World::start().await;
    let sites = Sites::client("id").secret("s").api(format!("{}/ex/{{site}}", world.url));
    let sites = sites.authorize(format!("{}/authorize", world.url));
    let sites = sites.token(format!("{}/token", world.url));
    let sites = sites.placeholder("site_url", format!("{}/sites", world.url));
    let server = toolgate::server!().provider(sites).tools(tools![list_pages]);
    let client = Client::of(server).await.unwrap();
    for none in [json!([]), json!([{ "id": "../../data" }]), json!([{ "id": "a/b" }])] {
        *world.sites.lock().unwrap() = none.clone();
        let page = connect(&client, "list_pages").await;
        assert!(page.text().contains("Sites is not connected"), "{none}: {}", page.text());
    }
    assert!(world.sent().is_empty(), "{:?}", world.sent());
    *world.sites.lock().unwrap() = json!([{ "id": "c-1" }, { "id": "c-2" }]);
    let page = connect(&client, "list_pages").await;
    assert!(page.text().contains("Sites is connected"), "{}", page.text());
    assert_eq!(client.call("list_pages", json!({})).await.text(), "list of /ex/c-1/list");
    world.refuses.store(1, SeqCst);
    assert_eq!(client.call("list_pages", json!({})).await.text(), "list of /ex/c-1/list");
}
