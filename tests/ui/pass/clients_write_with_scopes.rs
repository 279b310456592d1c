//! Requests that change something need a scope that writes or destroys, and no more.

use toolgate::client::http::Method;
use ui::prelude::*;

/// Reads.
#[tool(scopes = "repo:read")]
async fn reads(github: AuthedClient<GitHub>) -> Result<()> {
    github.get("/issues").send().await?;
    github.head("/issues").send().await?;
    github.post_read_only("/search").send().await.map(drop)
}

/// Writes.
#[tool(scopes = "repo")]
async fn writes(github: AuthedClient<GitHub>) -> Result<()> {
    close(&github).await?;
    github.post("/issues").send().await?;
    github.put("/issues").send().await?;
    github.patch("/issues").send().await?;
    github.request(Method::OPTIONS, "/issues").send().await.map(drop)
}

/// Deletes.
#[tool(scopes = "repo:read repo:delete")]
async fn destroys(github: &AuthedClient<GitHub>) -> Result<()> {
    github.delete("/issues").send().await.map(drop)
}

/// Reads one provider and writes another.
#[tool(scopes(github = "repo:read", slack = "chat:write"))]
async fn mixed(github: AuthedClient<GitHub>, slack: AuthedClient<Slack>) -> Result<()> {
    let issues = github.get("/issues").send().await?.text().await?;
    slack.post("/messages").body(issues).send().await.map(drop)
}

#[requires("repo")]
async fn close(github: &AuthedClient<GitHub>) -> Result<()> {
    github.patch("/issues/1").send().await.map(drop)
}

#[requires("repo:read")]
async fn search(github: &AuthedClient<GitHub>) -> Result<()> {
    github.post_read_only("/search").send().await.map(drop)
}

/// Searches, with a client that belongs to no tool, too.
#[tool(scopes = "repo")]
async fn searches(github: AuthedClient<GitHub>) -> Result<()> {
    search(&github).await
}

mod outside {
    use ui::prelude::*;

    pub async fn writes(github: &AuthedClient<GitHub>) -> Result<()> {
        github.post("/issues").send().await.map(drop)
    }
}

pub fn main() {
    let _ = tools![reads, writes, destroys, mixed, searches];
    drop(outside::writes(&AuthedClient::testing("https://api.github.example", "token")));
}
