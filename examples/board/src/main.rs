//! forge's issues as a board beside the conversation: filter them, read what is said, close one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::prelude::*;

/// forge, on this machine.
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
    body: String,
    /// `open` or `closed`.
    state: String,
    #[serde(default)]
    labels: Vec<String>,
    /// How many.
    comments: u64,
}

/// Shows the issues of a repository as a board.
#[widget(
    scopes = "repo:read",
    may_ask = "repo:write",
    view = "views/board.html",
    title = "Issues",
    invoking = "Looking for issues",
    border
)]
async fn issue_board(
    forge: AuthedClient<Forge>,
    /// The account that owns the repository: `alice`.
    owner: String,
    /// The repository's name: `compass`.
    repo: String,
) -> Result<Board> {
    read(&forge, owner, repo).await
}

#[requires("repo:read")]
async fn read(forge: &AuthedClient<Forge>, owner: String, repo: String) -> Result<Board> {
    let issues = forge.get(path!("/repos/{owner}/{repo}/issues")).query(&[("state", "all")]);
    let issues = issues.paginate().take_up_to(500).await?;
    Ok(Board { owner, repo, issues })
}

/// The same board, whose page is built from React.
mod react {
    use super::{AuthedClient, Board, Forge, Result, widget};

    /// Shows the issues of a repository as a board.
    #[widget(
        scopes = "repo:read",
        may_ask = "repo:write",
        view = "views/board-react.html",
        title = "Issues",
        border
    )]
    pub(super) async fn issue_board(
        forge: AuthedClient<Forge>,
        owner: String,
        repo: String,
    ) -> Result<Board> {
        super::read(&forge, owner, repo).await
    }
}

#[derive(Serialize, JsonSchema)]
struct Discussion {
    comments: Vec<Comment>,
}

#[derive(Serialize, JsonSchema)]
struct Comment {
    author: String,
    body: String,
}

/// What is said about an issue.
#[tool(scopes = "repo:read", app_only)]
async fn list_comments(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    number: u64,
) -> Result<Json<Discussion>> {
    #[derive(Deserialize)]
    struct Said {
        user: User,
        body: String,
    }
    #[derive(Deserialize)]
    struct User {
        login: String,
    }

    let said = forge.get(path!("/repos/{owner}/{repo}/issues/{number}/comments"));
    let said: Vec<Said> = said.paginate().take_up_to(500).await?;
    let comments =
        said.into_iter().map(|said| Comment { author: said.user.login, body: said.body });
    Ok(Json(Discussion { comments: comments.collect() }))
}

/// Closes an issue.
#[tool(scopes = "repo:write")]
async fn close_issue(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    number: u64,
) -> Result<()> {
    let issue = forge.patch(path!("/repos/{owner}/{repo}/issues/{number}"));
    issue.json(&serde_json::json!({ "state": "closed" })).send().await.map(drop)
}

#[tokio::main]
async fn main() -> Result<()> {
    let forge = forge::start(forge::Config::default()).await?;
    let url = forge.url();
    let client = Forge::client("toolgate")
        .secret("toolgate-secret")
        .api(format!("{url}/api"))
        .authorize(format!("{url}/oauth/authorize"))
        .token(format!("{url}/oauth/token"));
    let board = match std::env::var("BOARD").as_deref() {
        Ok("react") => tools![react::issue_board],
        _ => tools![issue_board],
    };
    toolgate::server!()
        .provider(client)
        .tools(board)
        .tools(tools![list_comments, close_issue])
        .serve()
        .await
}
