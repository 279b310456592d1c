use ui::prelude::*;

/// Does something.
#[tool(annotations(read_only_hint = true))]
async fn t() {}

fn main() {}
