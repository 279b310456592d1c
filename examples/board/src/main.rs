//! Issue board: a widget with the issues of a repository, their comments, and a button to close one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::{OAuthClient, Server, Tools, grant::MemoryStore, prelude::*};

/// The code host forge, which runs on this machine.
#[provider(
    api = "http://127.0.0.1:4600/api",
    authorize = "http://127.0.0.1:4600/oauth/authorize",
    token = "http://127.0.0.1:4600/oauth/token"
)]
pub enum Forge {
    /// Read your repositories, issues and files.
    #[scope("repo:read", access = read)]
    Read,
    /// Change your repositories, issues and files.
    #[scope("repo:write", access = write, implies(Read))]
    Write,
}

/// What the board shows.
#[derive(Serialize, JsonSchema)]
struct Board {
    owner: String,
    repo: String,
    issues: Vec<Issue>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Issue {
    number: u64,
    title: String,
    #[serde(default)]
    body: String,
    state: State,
    #[serde(default)]
    labels: Vec<String>,
    comments: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Open,
    Closed,
}

#[derive(Serialize, JsonSchema)]
struct Comments {
    comments: Vec<Comment>,
}

#[derive(Serialize, JsonSchema)]
struct Comment {
    author: String,
    body: String,
}

/// Shows a repository's issues as a board.
#[widget(
    scopes = "repo:read",
    optional_scopes = "repo:write",
    view = "views/board.html",
    title = "Issues"
)]
async fn issue_board(forge: AuthedClient<Forge>, owner: String, repo: String) -> Result<Board> {
    read(&forge, owner, repo).await
}

/// The same widget with a page built from React, for `BOARD=react`.
mod react {
    use super::{AuthedClient, Board, Forge, Result, widget};

    /// Shows a repository's issues as a board.
    #[widget(scopes = "repo:read", optional_scopes = "repo:write", view = "views/board-react.html")]
    pub(super) async fn issue_board(
        forge: AuthedClient<Forge>,
        owner: String,
        repo: String,
    ) -> Result<Board> {
        super::read(&forge, owner, repo).await
    }
}

#[requires("repo:read")]
async fn read(forge: &AuthedClient<Forge>, owner: String, repo: String) -> Result<Board> {
    let issues = forge.get(path!("/repos/{owner}/{repo}/issues")).query(&[("state", "all")]);
    let issues = issues.paginate().take_up_to(100).await?;
    Ok(Board { owner, repo, issues })
}

/// The comments on an issue, the oldest first.
#[tool(scopes = "repo:read", app_only)]
async fn list_comments(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    number: u64,
) -> Result<Json<Comments>> {
    #[derive(Deserialize)]
    struct ApiComment {
        body: String,
        user: User,
    }
    #[derive(Deserialize)]
    struct User {
        login: String,
    }
    let comments = forge.get(path!("/repos/{owner}/{repo}/issues/{number}/comments")).paginate();
    let comments: Vec<ApiComment> = comments.take_up_to(100).await?;
    let comments = comments
        .into_iter()
        .map(|comment| Comment { author: comment.user.login, body: comment.body });
    Ok(Json(Comments { comments: comments.collect() }))
}

/// Closes an issue.
#[tool(scopes = "repo:write")]
async fn close_issue(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    number: u64,
) -> Result<Json<Issue>> {
    let issue = forge.patch(path!("/repos/{owner}/{repo}/issues/{number}"));
    issue.json(&serde_json::json!({ "state": "closed" })).send().await?.json().await.map(Json)
}

/// The server, with one of the two widgets.
fn server(forge: OAuthClient<Forge>, board: Tools) -> Server {
    toolgate::server!().provider(forge).tools(board).tools(tools![list_comments, close_issue])
}

#[tokio::main]
async fn main() -> Result<()> {
    // Several processes that serve one board share the forge, the store and the address.
    let shared = std::env::var("FORGE_URL").ok();
    let own = match shared {
        Some(_) => None,
        None => Some(forge::start(forge::Config::default()).await?),
    };
    let url = shared.as_deref().or(own.as_ref().map(forge::Running::url)).unwrap_or_default();
    let client = Forge::client("toolgate")
        .secret("toolgate-secret")
        .api(format!("{url}/api"))
        .authorize(format!("{url}/oauth/authorize"))
        .token(format!("{url}/oauth/token"))
        .issuer(url);
    let board = match std::env::var("BOARD").as_deref() {
        Ok("react") => tools![react::issue_board],
        _ => tools![issue_board],
    };
    let server = server(client, board);
    match std::env::var("PUBLIC_URL") {
        Ok(url) => server.public_url(url).serve().await,
        Err(_) => server.store(MemoryStore::new()).serve().await,
    }
}
