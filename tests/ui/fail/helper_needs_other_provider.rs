use ui::prelude::*;

#[requires("chat:write")]
async fn post(_slack: &AuthedClient<Slack>) {}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) {
    post(&github).await
}

fn main() {}
