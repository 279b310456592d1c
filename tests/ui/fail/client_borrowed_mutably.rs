use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(_github: &mut AuthedClient<GitHub>) {}

fn main() {}
