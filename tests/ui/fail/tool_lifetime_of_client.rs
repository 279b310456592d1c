use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t<'a>(_github: &'a AuthedClient<GitHub>) {}

fn main() {}
