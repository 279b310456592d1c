#![allow(missing_docs)]
use toolgate::prelude::*;

/// GitHub's REST API.
#[provider(
    api = "https://api.github.com",
    authorize = "https://github.com/login/oauth/authorize",
    token = "https://github.com/login/oauth/access_token"
)]
pub enum GitHub {
    /// Reads code, issues and pull requests.
    #[scope("repo:read", access = read)]
    RepoRead,
    /// Full control of repositories.
    #[scope("repo", access = write, implies(RepoRead))]
    Repo,
}

/// Lists the open issues of a repository.
#[tool(scopes = "repo:read")]
async fn list_issues(
    github: AuthedClient<GitHub>,
    /// The account that owns the repository.
    owner: String,
    /// The repository's name.
    repo: String,
    /// How many issues to return.
    #[arg(default = 30, range(1..=100))]
    limit: u8,
) -> Result<Json<Vec<String>>> {
    let _ = (github, path!("/repos/{owner}/{repo}/issues"), limit);
    Ok(Json(vec![]))
}

/// Closes.
#[requires("repo")]
async fn close(github: &AuthedClient<GitHub>, issue: &str) -> Result<()> {
    if issue.is_empty() {
        return Ok(());
    }
    close(github, &issue[1..]).await
}

/// Closes an issue.
#[tool(scopes = "repo")]
async fn close_issue(github: AuthedClient<GitHub>, issue: String) -> Result<()> {
    close(&github, &issue).await
}

#[test]
fn table() {
    let tools = tools![list_issues, close_issue];
    assert_eq!(tools.entries().len(), 2);
}
