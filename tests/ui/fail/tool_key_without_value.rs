use ui::prelude::*;

/// Does something.
#[tool(title)]
async fn t() {}

fn main() {}
