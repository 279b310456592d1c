use ui::prelude::*;

/// Does something.
#[tool(scopes("repo", "repo"))]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
