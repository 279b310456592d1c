use ui::prelude::*;

/// Does something.
#[tool(scopes())]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
