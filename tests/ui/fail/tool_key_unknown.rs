use ui::prelude::*;

/// Does something.
#[tool(scope = "repo")]
async fn t() {}

fn main() {}
