use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(length(1..=5))] _a: u8) {}

fn main() {}
