use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range(1..=5))] _a: String) {}

fn main() {}
