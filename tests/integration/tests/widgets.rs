//! Widgets, as a host meets them: the tool, its page, and what the page receives.

use std::{fs, sync::Mutex};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use toolgate::{
    Server,
    client::http,
    gate::Gate,
    prelude::*,
    testing::{Account, Client, FakeProvider, Issuer, RESOURCE},
    tool::{Call, Tool, ToolEntry, ToolFuture, View},
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
    optional_scopes = "repo:write",
    title = "Issues",
    view = "views/board.html",
    csp(connect = ["https://live.example", "wss://live.example:8443"], resource = ["https://cdn.example"]),
    permissions("clipboard_write"),
    border = false,
    domain = "https://board.example",
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

/// Tells the model what no page may have.
#[tool(model_only)]
async fn secret() -> &'static str {
    "for the model"
}

/// Shows a built front end.
#[widget(view = "views/built.html")]
async fn built() -> Board {
    Board { owner: String::new(), issues: Vec::new() }
}

/// Every token that the provider was called with.
static TOKENS: Mutex<Vec<String>> = Mutex::new(Vec::new());

async fn forge() -> FakeProvider<Forge> {
    let api = FakeProvider::start(|request: http::Request<_>| {
        let token = request.headers()["authorization"].to_str().unwrap();
        TOKENS.lock().unwrap().push(token.strip_prefix("Bearer ").unwrap().to_owned());
        assert!(request.extensions().get::<Account>().is_some());
        http::Response::new(r#"["It spins","</script><b>bold</b>"]"#.into())
    });
    api.await.unwrap()
}

async fn server() -> (FakeProvider<Forge>, Server) {
    let forge = forge().await;
    let server = Server::new("Our board!", "1")
        .provider(forge.client())
        .tools(tools![board, close, number, built, secret]);
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
    assert_eq!(tool["_meta"]["ui/resourceUri"], uri, "hosts of the drafts know this name alone");
    assert_eq!(tool["_meta"]["openai/outputTemplate"], uri);
    assert_eq!(tool["_meta"]["openai/widgetAccessible"], true);
    assert_eq!(tool["_meta"]["openai/toolInvocation/invoking"], "Looking");
    assert_eq!(tool["_meta"]["openai/toolInvocation/invoked"], "Here they are");
    assert_eq!(tool["outputSchema"]["properties"]["issues"]["type"], "array");
    let close = named(&tools, "close");
    assert_eq!(close["_meta"]["ui"], json!({ "visibility": ["app"] }));
    assert_eq!(close["_meta"]["openai/visibility"], "private");
    let secret = named(&tools, "secret");
    assert_eq!(secret["_meta"]["ui"], json!({ "visibility": ["model"] }));
    assert_eq!(secret["_meta"]["openai/widgetAccessible"], false);

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
            "domain": "https://board.example",
        })
    );
    assert_eq!(content["_meta"]["openai/widgetDomain"], "https://board.example");
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
    let page = named(&list(&client).await, "board")["_meta"]["ui"]["resourceUri"].clone();
    let page = client.read(page.as_str().unwrap()).await;
    for told in [shown, refused, page] {
        let told = told.body().to_string();
        for token in TOKENS.lock().unwrap().iter() {
            assert!(!told.contains(token), "{told}");
        }
        assert!(!told.contains("Bearer") && !told.contains("access_token"), "{told}");
    }
    assert!(!TOKENS.lock().unwrap().is_empty(), "the provider was called with one");
}

#[tokio::test]
async fn pages_need_no_token_and_everything_else_does() {
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
    let auth = &shown.body()["result"]["_meta"]["toolgate/auth"];
    assert_eq!((&auth["subject"], &auth["account"]), (&json!("alice"), &Value::Null));
    // Where the token says by which name people know its subject, the page may show that.
    for (claim, name) in [("email", "a@example.com"), ("preferred_username", "alice.l")] {
        let known = stranger.with(issuer.token("u-1").claim(claim, name));
        let shown = known.call("number", json!({ "n": 1 })).await;
        let auth = &shown.body()["result"]["_meta"]["toolgate/auth"];
        assert_eq!((&auth["subject"], &auth["account"]), (&json!("u-1"), &json!(name)));
    }
}

#[tokio::test]
async fn the_uri_of_an_earlier_deployment_is_that_of_todays_page() {
    let (_forge, server) = server().await;
    let issuer = Issuer::new();
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).browser(toolgate::testing::Browsers);
    let stranger = Client::of(server.gate(gate)).await.unwrap();
    let alice = stranger.with(issuer.token("alice"));
    let tools = list(&alice).await;
    let current = page(&alice, &named(&tools, "board")["_meta"]["ui"]["resourceUri"]).await;
    for old in [
        "ui://Our-board-/board-0123456789abcdef.html",
        "ui://Our-board-/board-01234567.html",
        "ui://Our-board-/board-0123456789abcdef0123456789ABCDEF.html",
        "ui://Our-board-/board.html",
        "ui://its-name-before/board-0123456789abcdef.html",
    ] {
        for client in [&stranger, &alice] {
            let read = client.read(old).await;
            assert_eq!(read.status(), 200, "{old}");
            let content = &read.body()["result"]["contents"][0];
            assert_eq!(content["uri"], old, "a host compares it with what it asked for");
            assert_eq!(content["text"], current["contents"][0]["text"]);
            assert_eq!(content["_meta"], current["contents"][0]["_meta"]);
        }
    }
    for other in [
        "ui://Our-board-/bored-0123456789abcdef.html",
        "ui://Our-board-/board-list.html",
        "ui://Our-board-/board-0123.html",
        "ui://Our-board-/-0123456789abcdef.html",
        "ui://Our-board-/close-0123456789abcdef.html",
        "ui://Our-board-/board",
        "ui://board-0123456789abcdef.html",
        "https://Our-board-/board-0123456789abcdef.html",
    ] {
        assert_eq!(stranger.read(other).await.status(), 401, "{other}");
        assert!(alice.read(other).await.body()["error"]["code"].is_number(), "{other}");
    }
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

    /// For the model alone.
    #[tool(model_only)]
    async fn wipe() {}

    /// Calls a tool that is not for it.
    #[widget(view = "<script>view.callTool('wipe', {})</script>")]
    async fn forbidden() -> Board {
        Board { owner: String::new(), issues: Vec::new() }
    }

    let forge = forge().await;
    let server = Server::new("s", "1")
        .provider(forge.client())
        .tools(tools![misspelt, greedy, close, forbidden, wipe]);
    let refused = Client::of(server).await.unwrap_err().to_string();
    let misspelt = "the view of `misspelt` calls `clsoe`, and there is no such tool\n  help: did you mean `close`?";
    assert!(refused.contains(misspelt), "{refused}");
    assert!(refused.contains("the view of `greedy` calls `close`, which needs `repo:write`"));
    assert!(refused.contains("optional_scopes = \"repo:write\""), "{refused}");
    let forbidden = "the view of `forbidden` calls `wipe`, which is for the model alone";
    assert!(refused.contains(forbidden), "{refused}");
}

#[tokio::test]
async fn a_scope_that_nothing_has_is_refused_at_start_up() {
    /// Shows a board.
    #[widget(scopes = "repo:read", optional_scopes = "repo:wriet", view = "<p></p>")]
    async fn board(forge: AuthedClient<Forge>) -> Result<Board> {
        let _ = forge;
        Ok(Board { owner: String::new(), issues: Vec::new() })
    }

    let forge = forge().await;
    let server = Server::new("s", "1").provider(forge.client()).tools(tools![board]);
    let refused = Client::of(server).await.unwrap_err().to_string();
    let expected = "`board` says `optional_scopes = \"repo:wriet\"`, and there is no such scope\n  help: did you mean `repo:write`?";
    assert!(refused.contains(expected), "{refused}");
}

#[tokio::test]
async fn what_a_page_may_do_is_part_of_its_address() {
    mod one {
        use super::*;
        /// Shows a map.
        #[widget(view = "<p></p>", csp(connect = ["https://tiles.example"]))]
        pub(super) async fn map() -> Board {
            Board { owner: String::new(), issues: Vec::new() }
        }
    }
    mod other {
        use super::*;
        /// Shows a map.
        #[widget(view = "<p></p>", csp(connect = ["https://elsewhere.example"]))]
        pub(super) async fn map() -> Board {
            Board { owner: String::new(), issues: Vec::new() }
        }
    }
    let mut uris = Vec::new();
    for tools in [tools![one::map], tools![other::map], tools![one::map]] {
        let client = Client::of(Server::new("s", "1").tools(tools)).await.unwrap();
        uris.push(list(&client).await[0]["_meta"]["ui"]["resourceUri"].clone());
    }
    assert_eq!(uris[0], uris[2]);
    assert_ne!(uris[0], uris[1], "a host that keeps the page would keep the old policy");
}

#[test]
fn a_change_of_a_view_recompiles_the_crate() {
    // What cargo compares with what it built last.
    let known = std::env::current_exe().unwrap().with_extension("d");
    let known = fs::read_to_string(known).unwrap();
    for view in ["views/board.html", "views/built.html"] {
        assert!(known.contains(view), "{view} is not in {known}");
    }
}

/// Where a view is that changes while it is shown.
const LIVE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/live.html");

/// As the macro writes it, with a file that a test may change.
struct Live;

impl Tool for Live {
    const NAME: &'static str = "live";
    const DESCRIPTION: &'static str = "Lives.";
    const VIEW: Option<View> = Some(View::file(LIVE, "<p>compiled</p>"));
    type Arguments = ();
    const ARGUMENTS: () = ();
    type Output = ();

    fn call(_: &Call, (): ()) -> ToolFuture {
        ToolFuture::new::<Self>(async {})
    }
}

#[tokio::test]
async fn a_change_of_a_view_is_seen_without_a_restart() {
    let server = |live| {
        let tools = toolgate::Tools::new(&[ToolEntry::new::<Live>()]);
        Client::of(Server::new("s", "1").tools(tools).live_views(live))
    };
    fs::write(LIVE, "<p>one</p>").unwrap();
    let client = server(true).await.unwrap();
    let uri = &list(&client).await[0]["_meta"]["ui"]["resourceUri"];
    assert_eq!(*uri, "ui://s/live.html", "one URI, whatever the page contains");
    for text in ["<p>one</p>", "<p>two</p>"] {
        fs::write(LIVE, text).unwrap();
        let read = page(&client, uri).await;
        let page = read["contents"][0]["text"].as_str().unwrap();
        let rest = page.strip_prefix(text).expect("the page as it is now");
        assert!(rest.starts_with(r#"<script data-live="ui://s/live.html" data-page=""#), "{rest}");
        assert_eq!(read["ttlMs"], 0);
    }
    // A page that changes may come to call a tool, so that is looked at again.
    fs::write(LIVE, "<script>view.callTool('liev', {})</script>").unwrap();
    let read = page(&client, uri).await;
    let text = read["contents"][0]["text"].as_str().unwrap();
    let fault = "the view of `live` calls `liev`, and there is no such tool";
    assert!(text.starts_with("<pre>") && text.contains(fault), "{text}");
    assert!(text.contains("did you mean `live`?"), "{text}");

    let compiled = server(false).await.unwrap();
    let uri = list(&compiled).await[0]["_meta"]["ui"]["resourceUri"].clone();
    let read = page(&compiled, &uri).await;
    assert_eq!(read["contents"][0]["text"], "<p>compiled</p>");
    assert_ne!(read["ttlMs"], 0);
    fs::remove_file(LIVE).unwrap();
}
