//! Four tools over a user's repositories at GitHub.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::{broker::Person, client::Path, prelude::*};

/// GitHub, as an OAuth app sees it: one fixed client, and scopes separated by commas in the answer.
#[provider(
    api = "https://api.github.com",
    authorize = "https://github.com/login/oauth/authorize",
    token = "https://github.com/login/oauth/access_token",
    response_scope_separator = ","
)]
pub enum GitHub {
    /// Read and write public repositories.
    #[scope("public_repo", access = write)]
    PublicRepo,
    /// Read and write all repositories.
    #[scope("repo", access = write, implies(PublicRepo))]
    Repo,
    /// Delete repositories.
    #[scope("delete_repo", access = destructive)]
    DeleteRepo,
    /// See which organizations the user belongs to.
    #[scope("read:org", access = read)]
    ReadOrg,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Repository {
    full_name: String,
    description: Option<String>,
    private: bool,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Issue {
    number: u64,
    title: String,
    state: String,
}

/// Lists the user's repositories.
// GitHub has no scope that only reads, so what only reads is said here.
#[tool(scopes = "repo", idempotent)]
async fn list_repositories(github: AuthedClient<GitHub>) -> Result<Json<Vec<Repository>>> {
    Ok(Json(
        github.get("/user/repos").query(&[("per_page", 100)]).paginate().take_up_to(300).await?,
    ))
}

/// Lists the open issues of a public repository, the newest first.
#[tool(scopes = "public_repo", idempotent)]
async fn list_issues(
    github: AuthedClient<GitHub>,
    /// The account that owns the repository: `rust-lang`.
    owner: String,
    /// The repository's name: `rust`.
    repo: String,
    /// How many issues to return.
    #[arg(default = 30, range(1..=100))]
    limit: u8,
) -> Result<Json<Vec<Issue>>> {
    let issues = github.get(path!("/repos/{owner}/{repo}/issues")).query(&[("per_page", limit)]);
    Ok(Json(issues.paginate().take_up_to(limit.into()).await?))
}

/// Opens an issue in a public repository.
#[tool(scopes = "public_repo")]
async fn open_issue(
    github: AuthedClient<GitHub>,
    owner: String,
    repo: String,
    #[arg(length(1..=256))] title: String,
) -> Result<Json<Issue>> {
    create(&github, path!("/repos/{owner}/{repo}/issues"), &title).await.map(Json)
}

#[requires("public_repo")]
async fn create(github: &AuthedClient<GitHub>, path: Path, title: &str) -> Result<Issue> {
    github.post(path).json(&serde_json::json!({ "title": title })).send().await?.json().await
}

/// Deletes a repository, for good.
#[tool(scopes = "delete_repo")]
async fn delete_repository(
    github: AuthedClient<GitHub>,
    owner: String,
    repo: String,
) -> Result<()> {
    github.delete(path!("/repos/{owner}/{repo}")).send().await.map(drop)
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

/// Over HTTP, only members of the organization that `GITHUB_ORGANIZATION` names may sign in.
async fn is_member(person: Person) -> Result<bool> {
    let Ok(name) = std::env::var("GITHUB_ORGANIZATION") else { return Ok(true) };
    let organizations = person.client::<GitHub>()?.get("/user/orgs").paginate();
    let organizations: Vec<Organization> = organizations.take_up_to(1000).await?;
    Ok(organizations.iter().any(|organization| organization.login == name))
}

#[tokio::main]
async fn main() -> Result<()> {
    toolgate::server!()
        .provider(GitHub::from_env()?)
        .broker::<GitHub>(|broker| {
            broker.user("/user", "id").sign_in_scopes(["read:org"]).admit(is_member)
        })
        .tools(tools![list_repositories, list_issues, open_issue, delete_repository])
        .serve()
        .await
}
