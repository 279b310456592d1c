use ui::prelude::*;

/// Does something.
#[tool(scopes(github = "repo", slack = "chat:write"))]
async fn t(github: AuthedClient<GitHub>, slack: AuthedClient<Slack>) -> Result<()> {
    both(&github, &slack).await
}

#[requires(github = "repo:read", slack = "chat:write")]
async fn both(github: &AuthedClient<GitHub>, slack: &AuthedClient<Slack>) -> Result<()> {
    let _ = (github, slack);
    Ok(())
}

pub fn main() {
    let _ = t;
}
