use ui::prelude::*;

/// Does something.
#[tool("repo:read")]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
