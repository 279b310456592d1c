use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(flatten)] a: String) {}

fn main() {}
