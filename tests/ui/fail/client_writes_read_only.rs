use ui::prelude::*;

/// Closes an issue.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) -> Result<()> {
    github.post("/issues").send().await.map(drop)
}

fn main() {}
