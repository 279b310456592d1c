use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(_caller: Option<Caller<GitHub>>) {}

fn main() {}
