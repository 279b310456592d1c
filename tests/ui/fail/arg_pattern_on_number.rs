use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(pattern = "^a$")] _a: u8) {}

fn main() {}
