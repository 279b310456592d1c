use ui::prelude::*;

#[requires("repo:read")]
async fn close(github: &AuthedClient<GitHub>) -> Result<()> {
    github.patch("/issues/1").send().await.map(drop)
}

/// Closes an issue.
#[tool(scopes = "repo")]
async fn t(github: AuthedClient<GitHub>) -> Result<()> {
    close(&github).await
}

fn main() {}
