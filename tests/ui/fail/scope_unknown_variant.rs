use ui::prelude::*;

/// Does something.
#[tool(scopes(RepoRaed))]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
