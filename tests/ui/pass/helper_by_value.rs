use ui::prelude::*;

#[requires("repo:read")]
async fn consume(github: AuthedClient<GitHub>) {
    let _ = github;
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) {
    consume(github).await
}

pub fn main() {
    let _ = t;
}
