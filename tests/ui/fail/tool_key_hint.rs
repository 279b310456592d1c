use ui::prelude::*;

/// Does something.
#[tool(read_only_hint)]
async fn t() {}

fn main() {}
