use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range = "1..100")] _a: u8) {}

fn main() {}
