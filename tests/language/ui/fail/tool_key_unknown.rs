use language::prelude::*;

/// Does something.
#[tool(scope = "repo")]
async fn t() {}

fn main() {}
