//! The tools of the tests.
#![allow(clippy::missing_errors_doc, reason = "what a tool fails with is what its test looks at")]

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::prelude::*;

/// A forge whose endpoints the tests set.
#[provider(
    api = "http://127.0.0.1:1/api",
    authorize = "http://127.0.0.1:1/oauth/authorize",
    token = "http://127.0.0.1:1/oauth/token"
)]
pub enum Forge {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
    /// Change your repositories.
    #[scope("repo:write", access = write, implies(Read))]
    Write,
    /// Delete your repositories.
    #[scope("repo:delete", access = destructive)]
    Delete,
}

/// An issue.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
}

/// Lists the open issues of a repository.
#[tool(scopes = "repo:read")]
pub async fn list_issues(
    forge: AuthedClient<Forge>,
    /// The owner.
    owner: String,
    /// The repository.
    repo: String,
    /// How many.
    #[arg(default = 30, range(1..=100))]
    limit: u8,
) -> Result<Json<Vec<Issue>>> {
    let issues = forge.get(path!("/repos/{owner}/{repo}/issues")).query(&[("per_page", 10)]);
    Ok(Json(issues.paginate().take_up_to(limit.into()).await?))
}

/// Opens an issue.
#[tool(scopes = "repo:write")]
pub async fn open_issue(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
    #[arg(length(1..=20))] title: String,
) -> Result<Json<Issue>> {
    let issues = forge.post(path!("/repos/{owner}/{repo}/issues"));
    Ok(Json(issues.json(&serde_json::json!({ "title": title })).send().await?.json().await?))
}

/// Deletes a repository.
#[tool(scopes = "repo:delete")]
pub async fn delete_repository(
    forge: AuthedClient<Forge>,
    owner: String,
    repo: String,
) -> Result<()> {
    forge.delete(path!("/repos/{owner}/{repo}")).send().await.map(drop)
}

/// Says which path reached the API.
#[tool(scopes = "repo:read")]
pub async fn echo(forge: AuthedClient<Forge>, segment: String) -> Result<String> {
    forge.get(path!("/echo/a/{segment}/b")).send().await?.text().await
}

/// Follows where the API sends it.
#[tool(scopes = "repo:read")]
pub async fn follow(forge: AuthedClient<Forge>, to: String) -> Result<String> {
    forge.get("/redirect-away").query(&[("to", to)]).send().await?.text().await
}

/// Has little time, though enough for an answer on a busy machine.
#[tool(scopes = "repo:read")]
pub async fn hasty(forge: AuthedClient<Forge>) -> Result<String> {
    forge.get("/user").timeout(Duration::from_secs(3)).send().await?.text().await
}

/// A second forge, with accounts of its own.
#[provider(
    api = "http://127.0.0.1:1/api",
    authorize = "http://127.0.0.1:1/oauth/authorize",
    token = "http://127.0.0.1:1/oauth/token"
)]
pub enum Second {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
}

/// Says who the user is at the second forge.
#[tool(scopes = "repo:read")]
pub async fn who_am_i(second: AuthedClient<Second>) -> Result<String> {
    second.get("/user").send().await?.text().await
}

/// Adds two numbers.
#[tool]
pub async fn add(a: i64, b: i64) -> Json<i64> {
    Json(a + b)
}

/// Panics.
#[tool]
pub async fn panics(secret: String) -> String {
    assert!(secret.is_empty(), "as was ordered");
    secret
}

/// Counts, and says how far it is.
#[tool]
pub async fn count(context: Context, to: u32) -> String {
    for n in 1..=to {
        context.progress(n.into(), Some(to.into()), "counting").await;
    }
    to.to_string()
}
