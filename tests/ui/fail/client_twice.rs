use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(_a: AuthedClient<GitHub>, _b: AuthedClient<GitHub>) {}

fn main() {}
