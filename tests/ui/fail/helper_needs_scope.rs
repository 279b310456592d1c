use ui::prelude::*;

#[requires("repo")]
async fn close(_github: &AuthedClient<GitHub>) {}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) {
    close(&github).await
}

fn main() {}
