use ui::prelude::*;

/// Does something.
#[tool(scopes(github = "repo", github = "repo"))]
async fn t(github: AuthedClient<GitHub>) {
    let _ = github;
}

fn main() {}
