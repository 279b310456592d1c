use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(30)] _a: u8) {}

fn main() {}
