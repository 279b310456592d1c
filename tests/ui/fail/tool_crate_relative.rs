use ui::prelude::*;

/// Does something.
#[tool(crate = toolgate)]
async fn t() {}

fn main() {}
