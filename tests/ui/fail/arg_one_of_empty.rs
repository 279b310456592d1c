use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(one_of())] _a: String) {}

fn main() {}
