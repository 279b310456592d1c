//! Four tools that read and write a user's data in forge, a small code host that starts beside them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::{client::Path, prelude::*};

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
    /// Delete your repositories.
    #[scope("repo:delete", access = destructive)]
    Delete,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Repository {
    full_name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Issue {
    number: u64,
    title: String,
}

/// Lists the user's repositories.
#[tool(scopes = "repo:read")]
async fn list_repositories(forge: AuthedClient<Forge>) -> Result<Json<Vec<Repository>>> {
    Ok(Json(forge.get("/user/repos").paginate().take_up_to(100).await?))
}

/// Lists the open issues of a repository, the oldest first.
#[tool(scopes = "repo:read")]
async fn list_issues(
    forge: AuthedClient<Forge>,
    /// The account that owns the repository: `alice`.
    owner: String,
    /// The repository's name: `compass`.
    repo: String,
    /// How many issues to return.
    #[arg(default = 30, range(1..=100))]
    limit: u8,
) -> Result<Json<Vec<Issue>>> {
    let issues = forge.get(path!("/repos/{owner}/{repo}/issues"));
    Ok(Json(issues.paginate().take_up_to(limit.into()).await?))
}

/// Opens an issue in a repository.
#[tool(scopes = "repo:write")]
async fn open_issue(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    #[arg(length(1..=200))] title: String,
) -> Result<Json<Issue>> {
    create(&forge, path!("/repos/{owner}/{repo}/issues"), &title).await.map(Json)
}

/// A helper says what it needs; a tool that lacks it does not compile.
#[requires("repo:write")]
async fn create(forge: &AuthedClient<Forge>, path: Path, title: &str) -> Result<Issue> {
    forge.post(path).json(&serde_json::json!({ "title": title })).send().await?.json().await
}

/// Deletes a repository, for good.
#[tool(scopes = "repo:delete")]
async fn delete_repository(forge: AuthedClient<Forge>, owner: String, repo: String) -> Result<()> {
    forge.delete(path!("/repos/{owner}/{repo}")).send().await.map(drop)
}

#[tokio::main]
async fn main() -> Result<()> {
    // Next to the server's own data, so that a restart leaves everybody connected.
    let state = toolgate::grant::data_directory("quickstart")?.join("forge.json");
    let _forge = forge::start(forge::Config::default().port(4600).state(state)).await;
    toolgate::server!()
        .title("Quickstart")
        .provider(Forge::client("toolgate").secret("toolgate-secret"))
        .broker::<Forge>(|broker| broker.user("/user", "login"))
        .tools(tools![list_repositories, list_issues, open_issue, delete_repository])
        .serve()
        .await
}
