use ui::prelude::*;

/// Does something.
#[tool(title = "a", title = "b")]
async fn t() {}

fn main() {}
