use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(#[arg(default)] _github: AuthedClient<GitHub>) {}

fn main() {}
