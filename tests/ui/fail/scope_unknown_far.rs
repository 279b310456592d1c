use ui::prelude::*;

/// Does something.
#[tool(scopes = "admin:org")]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
