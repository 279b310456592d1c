use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:raed")]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
