use ui::prelude::*;

/// Does something.
#[tool(title = 5)]
async fn t() {}

fn main() {}
