use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(_github: AuthedClient<String>) {}

fn main() {}
