use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = 1, default = 2)] _a: u8) {}

fn main() {}
