use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo", read_only)]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
