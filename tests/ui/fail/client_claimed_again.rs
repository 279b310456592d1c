use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn other(_github: AuthedClient<GitHub>) {}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) {
    other(github.claim()).await
}

fn main() {}
