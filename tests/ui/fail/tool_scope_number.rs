use ui::prelude::*;

/// Does something.
#[tool(scopes = 5)]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
