use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read" title = "A")]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
