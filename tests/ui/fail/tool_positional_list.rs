use ui::prelude::*;

/// Does something.
#[tool(["repo:read", "user:email"])]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
