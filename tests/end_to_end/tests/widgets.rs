//! Widgets, as a host meets them: the tool, its page, and what the page is told.

use std::fs;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use toolgate::{
    Server, View,
    client::http,
    gate::Gate,
    prelude::*,
    testing::{Account, Client, FakeProvider, Issuer, RESOURCE},
};

/// A code host.
#[provider(
    api = "https://api.forge.test",
    authorize = "https://forge.test/authorize",
    token = "https://forge.test/token"
)]
pub enum Forge {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
    /// Change your repositories.
    #[scope("repo:write", access = write, implies(Read))]
    Write,
}

/// What the board shows.
#[derive(Serialize, JsonSchema)]
struct Board {
    owner: String,
    issues: Vec<String>,
}

/// Shows the issues of an account.
#[widget(
    scopes = "repo:read",
    may_ask = "repo:write",
    title = "Issues",
    view = "views/board.html",
    csp(connect = ["https://live.example", "wss://live.example:8443"], resource = ["https://cdn.example"]),
    permissions("clipboard_write"),
    border = false,
    invoking = "Looking",
    invoked = "Here they are"
)]
async fn board(forge: AuthedClient<Forge>, owner: String) -> Result<Board> {
    let issues = forge.get(path!("/{owner}/issues")).send().await?.json().await?;
    Ok(Board { owner, issues })
}

/// Closes an issue.
#[tool(scopes = "repo:write", app_only)]
async fn close(forge: AuthedClient<Forge>, title: String) -> Result<()> {
    forge.post("/close").json(&json!({ "title": title })).send().await.map(drop)
}

/// Shows a number.
#[widget(view = "<p></p><script toolgate></script>")]
async fn number(n: u8) -> Board {
    Board { owner: n.to_string(), issues: Vec::new() }
}

/// Shows a built front end.
#[widget(view = "views/built")]
async fn built() -> Board {
    Board { owner: String::new(), issues: Vec::new() }
}

async fn forge() -> FakeProvider<Forge> {
    let api = FakeProvider::start(|request: http::Request<_>| {
        assert!(request.extensions().get::<Account>().is_some());
        http::Response::new(r#"["It spins","</script><b>bold</b>"]"#.into())
    });
    api.await.unwrap()
}

async fn server() -> (FakeProvider<Forge>, Server) {
    let forge = forge().await;
    let server = Server::new("Our board!", "1")
        .provider(forge.client())
        .tools(tools![board, close, number, built]);
    (forge, server)
}

async fn list(client: &Client) -> Vec<Value> {
    let listed = client.request("tools/list", json!({})).await;
    listed.body()["result"]["tools"].as_array().unwrap().clone()
}

fn named<'a>(tools: &'a [Value], name: &str) -> &'a Value {
    tools.iter().find(|tool| tool["name"] == name).unwrap()
}

async fn page(client: &Client, uri: &Value) -> Value {
    let read = client.read(uri.as_str().unwrap()).await;
    read.body()["result"].clone()
}

#[tokio::test]
async fn a_widget_is_a_tool_with_a_page() {
    let (_forge, server) = server().await;
    let client = Client::of(server.live_views(false)).await.unwrap();
    let tools = list(&client).await;
    let tool = named(&tools, "board");
    let uri = tool["_meta"]["ui"]["resourceUri"].as_str().unwrap();
    let hash = uri.strip_prefix("ui://Our-board-/board-").unwrap().strip_suffix(".html").unwrap();
    assert_eq!(hash.len(), 16, "{uri}");
    assert_eq!(tool["_meta"]["ui"]["visibility"], json!(["model", "app"]));
    assert_eq!(tool["_meta"]["openai/outputTemplate"], uri);
    assert_eq!(tool["_meta"]["openai/widgetAccessible"], true);
    assert_eq!(tool["_meta"]["openai/toolInvocation/invoking"], "Looking");
    assert_eq!(tool["_meta"]["openai/toolInvocation/invoked"], "Here they are");
    assert_eq!(tool["outputSchema"]["properties"]["issues"]["type"], "array");
    let close = named(&tools, "close");
    assert_eq!(close["_meta"]["ui"], json!({ "visibility": ["app"] }));
    assert_eq!(close["_meta"]["openai/visibility"], "private");

    let read = page(&client, &json!(uri)).await;
    assert_eq!((&read["cacheScope"], &read["ttlMs"]), (&json!("public"), &json!(86_400_000)));
    let content = &read["contents"][0];
    assert_eq!(content["mimeType"], "text/html;profile=mcp-app");
    assert_eq!(
        content["_meta"]["ui"],
        json!({
            "csp": {
                "connectDomains": ["https://live.example", "wss://live.example:8443"],
                "resourceDomains": ["https://cdn.example"],
                "frameDomains": [],
                "baseUriDomains": [],
            },
            "permissions": { "clipboardWrite": {} },
            "prefersBorder": false,
        })
    );
    assert_eq!(content["_meta"]["openai/widgetCSP"]["connect_domains"][0], "https://live.example");
    let html = content["text"].as_str().unwrap();
    assert!(html.contains("toolgate=") || html.contains("toolgate ="), "the library is in it");
    assert!(!html.contains("<script toolgate>"));

    let number = &named(&tools, "number")["_meta"]["ui"]["resourceUri"];
    let bare = page(&client, number).await["contents"][0]["_meta"].clone();
    assert!(bare.get("ui").is_none(), "without lists a page reaches nothing: {bare}");
    let built = page(&client, &named(&tools, "built")["_meta"]["ui"]["resourceUri"]).await;
    let built = built["contents"][0]["text"].as_str().unwrap();
    assert!(built.contains("document.title = 'built'") && !built.contains("src="), "{built}");

    let resources = client.request("resources/list", json!({})).await;
    let resources = resources.body()["result"]["resources"].as_array().unwrap().clone();
    assert_eq!(resources.len(), 3);
    assert_eq!((&resources[0]["uri"], &resources[0]["title"]), (&json!(uri), &json!("Issues")));
    let discovered = client.request("server/discover", json!({})).await;
    let capabilities = &discovered.body()["result"]["capabilities"];
    assert_eq!(capabilities["extensions"]["io.modelcontextprotocol/ui"], json!({}));
    let unknown = client.read("ui://Our-board-/x.html").await;
    assert!(unknown.body()["error"]["code"].is_number());
}

#[tokio::test]
async fn the_page_is_told_its_props_and_its_users_access_and_no_token() {
    let (_forge, server) = server().await;
    let client = Client::of(server).await.unwrap();
    let asks = client.call("board", json!({ "owner": "alice" })).await;
    let told = &asks.body()["result"]["_meta"]["toolgate/auth"];
    assert_eq!(told["missing"], json!(["repo:read"]));
    assert_eq!(told["connect"], asks.link().unwrap().as_str());
    client.person("alice").open(asks.link().unwrap()).await.unwrap();

    let shown = client.call("board", json!({ "owner": "alice" })).await;
    let result = &shown.body()["result"];
    let props = json!({ "owner": "alice", "issues": ["It spins", "</script><b>bold</b>"] });
    assert_eq!(result["structuredContent"], props);
    assert!(shown.text().contains("It spins"), "hosts without views show the text");
    assert_eq!(result["_meta"]["toolgate/auth"], json!({ "scopes": ["repo:read"], "missing": [] }));

    let refused = client.call("close", json!({ "title": "It spins" })).await;
    let told = &refused.body()["result"]["_meta"]["toolgate/auth"];
    assert_eq!(
        (&told["missing"], &told["scopes"]),
        (&json!(["repo:write"]), &json!(["repo:read"]))
    );
    let link = refused.link().unwrap();
    client.person("alice").withholds("repo:write").open(&link).await.unwrap();
    let all = shown.body().to_string() + &refused.body().to_string();
    assert!(!all.contains("Bearer") && !all.contains("access_token"), "{all}");
}

#[tokio::test]
async fn pages_are_for_everybody_and_nothing_else_is() {
    let (_forge, server) = server().await;
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).browser(toolgate::testing::Browsers);
    let stranger = Client::of(server.gate(gate)).await.unwrap();
    let alice = stranger.with(issuer.token("alice"));
    let tools = list(&alice).await;
    let uri = &named(&tools, "board")["_meta"]["ui"]["resourceUri"];
    let page = stranger.read(uri.as_str().unwrap()).await;
    assert_eq!(page.status(), 200);
    assert!(page.body()["result"]["contents"][0]["text"].is_string(), "{}", page.body());
    assert_eq!(stranger.read("ui://Our-board-/none.html").await.status(), 401);
    assert_eq!(stranger.request("resources/list", json!({})).await.status(), 401);
    assert_eq!(stranger.call("number", json!({ "n": 1 })).await.status(), 401);

    let shown = alice.call("number", json!({ "n": 1 })).await;
    assert_eq!(shown.body()["result"]["_meta"]["toolgate/auth"]["subject"], "alice");
}

#[tokio::test]
async fn a_view_that_calls_what_it_cannot_is_refused_at_start_up() {
    /// Calls a tool that is not there.
    #[widget(view = "<script>view.callTool('clsoe', {})</script>")]
    async fn misspelt() -> Board {
        Board { owner: String::new(), issues: Vec::new() }
    }

    /// Calls a tool that needs more than was said.
    #[widget(scopes = "repo:read", view = "<script>view.callTool('close', {})</script>")]
    async fn greedy(forge: AuthedClient<Forge>) -> Result<Board> {
        let _ = forge;
        Ok(Board { owner: String::new(), issues: Vec::new() })
    }

    let forge = forge().await;
    let server =
        Server::new("s", "1").provider(forge.client()).tools(tools![misspelt, greedy, close]);
    let refused = Client::of(server).await.unwrap_err().to_string();
    let misspelt = "the view of `misspelt` calls `clsoe`, and there is no such tool";
    assert!(refused.contains(misspelt), "{refused}");
    assert!(refused.contains("the view of `greedy` calls `close`, which needs `repo:write`"));
    assert!(refused.contains("may_ask = \"repo:write\""), "{refused}");
}

/// Where a view is that changes while it is shown.
const LIVE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/live.html");

/// As the macro writes it, with a file that a test may change.
struct Live;

impl toolgate::Tool for Live {
    const NAME: &'static str = "live";
    const DESCRIPTION: &'static str = "Lives.";
    const VIEW: Option<View> = Some(View::file(LIVE, "<p>compiled</p>"));
    type Arguments = ();
    const ARGUMENTS: () = ();
    type Output = ();

    async fn call(_: toolgate::Call, (): ()) {}
}

#[tokio::test]
async fn a_change_of_a_view_is_seen_without_a_restart() {
    let server = |live| {
        let tools = toolgate::Tools::new(&[toolgate::Entry::of::<Live>()]);
        Client::of(Server::new("s", "1").tools(tools).live_views(live))
    };
    fs::write(LIVE, "<p>one</p>").unwrap();
    let client = server(true).await.unwrap();
    let uri = &list(&client).await[0]["_meta"]["ui"]["resourceUri"];
    assert_eq!(*uri, "ui://s/live.html", "one URI, whatever stands in it");
    for text in ["<p>one</p>", "<p>two</p>"] {
        fs::write(LIVE, text).unwrap();
        let read = page(&client, uri).await;
        assert_eq!((&read["contents"][0]["text"], &read["ttlMs"]), (&json!(text), &json!(0)));
    }
    let compiled = server(false).await.unwrap();
    let uri = list(&compiled).await[0]["_meta"]["ui"]["resourceUri"].clone();
    let read = page(&compiled, &uri).await;
    assert_eq!(read["contents"][0]["text"], "<p>compiled</p>");
    assert_ne!(read["ttlMs"], 0);
    fs::remove_file(LIVE).unwrap();
}
