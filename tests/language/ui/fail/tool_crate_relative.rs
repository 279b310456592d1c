use language::prelude::*;

/// Does something.
#[tool(crate = toolgate)]
async fn t() {}

fn main() {}
