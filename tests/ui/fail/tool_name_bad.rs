use ui::prelude::*;

/// Does something.
#[tool(name = "list issues")]
async fn t() {}

fn main() {}
