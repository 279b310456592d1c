use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo repo:read")]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
