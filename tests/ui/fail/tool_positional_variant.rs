use ui::prelude::*;

/// Does something.
#[tool(RepoRead)]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
