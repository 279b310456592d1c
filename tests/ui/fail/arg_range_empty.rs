use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range(5..=1))] _a: u8) {}

fn main() {}
