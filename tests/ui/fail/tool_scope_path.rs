use ui::prelude::*;

/// Does something.
#[tool(scopes = GitHub::RepoRead)]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
