use ui::prelude::*;

/// Lists issues.
#[tool(name = "issues.list")]
async fn t() {}

fn main() {}
